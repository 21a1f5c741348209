/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_MAIL_TABLE_H
#define MALOTE_MAIL_TABLE_H

#include "db/database.h"
#include "mail/mail_seal.h"
#include "mail/mail_store.h"

/*
 * The writer's SQL, one function a question, statements kept.  Whatever changes something runs
 * inside the caller's transaction.  A look-up that finds nothing says so in *found.
 */

enum mail_sql {
    MAIL_SQL_FIND_BOX,
    MAIL_SQL_ADD_BOX,
    MAIL_SQL_BOX_OWNER,
    MAIL_SQL_BOX_SUM,
    MAIL_SQL_BOX_MARK,
    MAIL_SQL_BOX_SHARES_GO,
    MAIL_SQL_BOX_SEGMENTS_GO,
    MAIL_SQL_BOX_ERASED,
    MAIL_SQL_BOX_GOES,
    MAIL_SQL_FIND_SHARE,
    MAIL_SQL_SET_SHARE,
    MAIL_SQL_SHARE_GOES,
    MAIL_SQL_ADD_SEGMENT,
    MAIL_SQL_SEGMENT_BEFORE,
    MAIL_SQL_SEGMENT_AFTER,
    MAIL_SQL_SEGMENT_GOES,
    MAIL_SQL_ADD_MESSAGE,
    MAIL_SQL_FIND_ID,
    MAIL_SQL_MESSAGE,
    MAIL_SQL_MESSAGES_FROM,
    MAIL_SQL_MESSAGES_OF_BOX,
    MAIL_SQL_MESSAGE_GOES,
    MAIL_SQL_FIND_NOTICE,
    MAIL_SQL_PUT_NOTICE,
    MAIL_SQL_NOTICE_GOES,
    MAIL_SQL_NOTED,
    MAIL_SQL_COUNT_NOTICES,
    MAIL_SQL_OLDEST_NOTICE,
    MAIL_SQL_OLD_NOTICE_GOES,
    MAIL_SQL_CLOCK,
    MAIL_SQL_SET_CLOCK,
    MAIL_SQL_ANYTHING,
    MAIL_SQL_FREE_PAGES,
    MAIL_SQL_RESTART,
    MAIL_SQLS
};

struct mail_table {
    struct database db;
    struct query kept[MAIL_SQLS];
};

MUST_CHECK enum mlt_err mail_table_open(struct mail_table *t, int dirfd, bool create);
/* { 0 } is closed. */
void mail_table_close(struct mail_table *t);

/* For the files of this header: the statement, ready for its values; reset at the end of the
 * caller's block, so that none keeps a snapshot of the database alive. */
#define MAIL_ASK(name, t, which)                                                                   \
    CLEANUP(mail_table_reset) struct query *name = mail_table_ask(t, which)
struct query *mail_table_ask(struct mail_table *t, enum mail_sql which);
void mail_table_reset(struct query **q);

/* ---- mailboxes and shares ---- */

struct mail_count {
    uint64_t messages, bytes;
};

MUST_CHECK enum mlt_err mail_table_find_box(struct mail_table *t, const struct name *recipient,
                                            int64_t *box, bool *found);
MUST_CHECK enum mlt_err mail_table_add_box(struct mail_table *t, const struct name *recipient,
                                           int64_t *box);
MUST_CHECK enum mlt_err mail_table_box_owner(struct mail_table *t, int64_t box, struct name *owner,
                                             bool *erased);
MUST_CHECK enum mlt_err mail_table_box_sum(struct mail_table *t, int64_t box,
                                           struct mail_count *sum);
/* Its shares and segments go, so that nothing in it opens again; its messages are swept later. */
MUST_CHECK enum mlt_err mail_table_erase_box(struct mail_table *t, int64_t box);
MUST_CHECK enum mlt_err mail_table_erased_box(struct mail_table *t, int64_t *box, bool *found);
MUST_CHECK enum mlt_err mail_table_drop_box(struct mail_table *t, int64_t box);

MUST_CHECK enum mlt_err mail_table_share(struct mail_table *t, int64_t box,
                                         const struct name *sender, struct mail_count *share);
MUST_CHECK enum mlt_err mail_table_set_share(struct mail_table *t, int64_t box,
                                             const struct name *sender,
                                             const struct mail_count *share);

/* ---- segments and messages ---- */

MUST_CHECK enum mlt_err mail_table_add_segment(struct mail_table *t, int64_t box,
                                               const uint8_t id[static MAIL_SEGMENT],
                                               const struct mail_wrapped *wrapped, int64_t *number);

MUST_CHECK enum mlt_err mail_table_drop_segment(struct mail_table *t, int64_t number);

struct mail_row {
    int64_t row, box, segment, kept;
    uint32_t index; /* only for mail_table_add */
    struct name sender;
    uint8_t id[ENVELOPE_ID];
    uint64_t bytes; /* sealed */
    bool damaged;   /* sender and id are not good */
};

/* *added is false if its sender has a message of this id here. */
MUST_CHECK enum mlt_err mail_table_add(struct mail_table *t, const struct mail_row *m,
                                       struct span sealed, bool *added);
MUST_CHECK enum mlt_err mail_table_find_id(struct mail_table *t, const struct name *sender,
                                           const uint8_t id[static ENVELOPE_ID], int64_t *row,
                                           bool *found);
MUST_CHECK enum mlt_err mail_table_find_row(struct mail_table *t, int64_t row, struct mail_row *m,
                                            bool *found);
/* The messages from `row` on, or all of a box, in order, `most` at most. */
MUST_CHECK enum mlt_err mail_table_from(struct mail_table *t, int64_t row, size_t most,
                                        struct mail_row *rows, size_t *count);
MUST_CHECK enum mlt_err mail_table_of_box(struct mail_table *t, int64_t box, size_t most,
                                          struct mail_row *rows, size_t *count);
MUST_CHECK enum mlt_err mail_table_remove(struct mail_table *t, int64_t row);
/* After m was removed: if it was the last of its segment, that goes as well. */
MUST_CHECK enum mlt_err mail_table_end_segment(struct mail_table *t, const struct mail_row *m,
                                               bool *ended);

/* ---- notices ---- */

struct mail_told {
    struct mail_notice notice;
    int64_t row, kept;
};

/* Its state, and its recipient unless that is damaged. */
MUST_CHECK enum mlt_err mail_table_find_notice(struct mail_table *t, const struct name *sender,
                                               const uint8_t id[static ENVELOPE_ID],
                                               struct mail_notice *notice, bool *found);
/* In place of an older one about the same message, whose row it then takes over. */
MUST_CHECK enum mlt_err mail_table_put_notice(struct mail_table *t, const struct mail_told *told);
MUST_CHECK enum mlt_err mail_table_drop_notice(struct mail_table *t, const struct name *sender,
                                               const uint8_t id[static ENVELOPE_ID]);
/* Only if it says `noted->state`. */
MUST_CHECK enum mlt_err mail_table_noted(struct mail_table *t, const struct name *sender,
                                         const struct noted *noted);
/* Read-receipts of a pair; recipient NULL: all other notices for the sender. */
MUST_CHECK enum mlt_err mail_table_count_notices(struct mail_table *t, const struct name *sender,
                                                 const struct name *recipient, uint64_t *count);
/* Forgets the oldest if it is from before `kept`. */
MUST_CHECK enum mlt_err mail_table_forget_notice(struct mail_table *t, int64_t kept, bool *forgot);

/* ---- the whole ---- */

/* Where rows go on, and how far the store's clock has come. */
struct mail_marks {
    int64_t next_message, next_notice;
    int64_t kept_ms;           /* of the last row */
    int64_t saved_ms, wall_ms; /* by mail_table_set_clock; 0 in a fresh one */
};

MUST_CHECK enum mlt_err mail_table_marks(struct mail_table *t, struct mail_marks *marks);
MUST_CHECK enum mlt_err mail_table_set_clock(struct mail_table *t, int64_t age_ms, int64_t wall_ms);
MUST_CHECK enum mlt_err mail_table_is_empty(struct mail_table *t, bool *empty);
/* As database_checkpoint, but the WAL keeps its size: written over, it costs an fsync less than
 * half of what it costs where the file grows with it.  MLT_ERR_LOCKED while somebody reads. */
MUST_CHECK enum mlt_err mail_table_restart_wal(struct mail_table *t);
/* Of the file: what was removed leaves them, and what is put next takes them. */
MUST_CHECK enum mlt_err mail_table_free_pages(struct mail_table *t, uint64_t *pages);
MUST_CHECK enum mlt_err mail_table_each_box(struct mail_table *t,
                                            const struct mail_box_visit *visit);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_STORE_ROWS_H
#define MALOTE_CLIENT_STORE_ROWS_H

#include "client/store.h"
#include "db/database.h"

/* What store.c, store_outbox.c and store_history.c share, and nobody else sees. */

/* Statements of the work that is done for every message: made once for a file that is open. */
enum store_statement {
    STORE_FIND_GAP,
    STORE_INSERT,
    STORE_NOTE_HEARD,
    STORE_NOTE_CONTACT,
    STORE_NEXT_STREAM,
    STORE_NEXT,
    STORE_FIND,
    STORE_WRITE_FATE,
    STORE_NOTE_REACHED,
    STORE_NOTE_TRIED,
    STORE_STATEMENTS
};

struct store {
    struct database db;
    struct query made[STORE_STATEMENTS];
    const struct home *home;
    const struct env *env;
    bool opened; /* it was there: if it is not any more, no empty one is begun in its place */
    bool in_batch;
    int64_t seen_change, seen_row; /* store_outbox_change gave out what lies up to here */
    int64_t first_kept;            /* the first row that was kept through this handle; 0: none */
};

/* Before anything is asked: the file is open, anew if it failed. */
MUST_CHECK enum mlt_err store_rows_ready(struct store *store);

/* CLEANUP(store_rows_rest) struct query *q = store_rows_query(s, STORE_FIND, "..."); */
struct query *store_rows_query(struct store *store, enum store_statement which, const char *sql);
void store_rows_rest(struct query **q);

/* Ends the statements, and closes the file. */
void store_rows_close(struct store *store);

/* A transaction, or part of the one that is begun.  TRY(enter); return leave(err); */
MUST_CHECK enum mlt_err store_rows_enter(struct store *store);
MUST_CHECK enum mlt_err store_rows_leave(struct store *store, enum mlt_err err);

/* Columns in the order store_rows_read takes them. */
#define STORE_ROW                                                                                  \
    "row, peer, ours, id, time, epoch, number, flags, shown, gap, state, why, changed_time"
#define STORE_ROW_AND_BODY STORE_ROW ", body"
#define STORE_ROW_COLUMNS  13

/* The current row of q; `has_body` if it was asked for with STORE_ROW_AND_BODY. */
MUST_CHECK enum mlt_err store_rows_read(struct query *q, bool has_body, struct store_message *m);

/* The next row of q, if there is one. */
MUST_CHECK enum mlt_err store_rows_next(struct query *q, bool has_body, struct store_message *m,
                                        bool *found);

/* The one number that q asks for. */
MUST_CHECK enum mlt_err store_rows_number(struct query *q, int64_t *number);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_MAIL_STORE_H
#define MALOTE_MAIL_STORE_H

#include "base/env.h"
#include "base/secret.h"
#include "mail/mail_seal.h"
#include "wire/outcome.h"

/*
 * mail.db: what the server keeps for those who are away, and what it still has to tell senders.
 *
 * Jobs go in, completions come out (mail_store_take), both on the owner's thread; nothing waits
 * there.  One writer thread commits many jobs with one fsync; a completion that says something was
 * kept or removed comes after that fsync.  A reader thread with its own connection serves drains,
 * so that a long one delays nobody.  Jobs of the writer are done in the order they came.
 *
 * Order under failure: when a put fails, every put that was given before the owner has taken that
 * completion fails as well, so that no later message of a stream stands before an earlier one.
 *
 * An I/O error fails what it hits and nothing else: the database is closed, opened anew and
 * checkpointed every LIMIT_STORE_RETRY_MS until that succeeds; meanwhile puts fail with
 * OUTCOME_REASON_NO_ROOM and removals wait.  What a commit in doubt left behind is taken out again
 * before anything else.  On a full disk (but for LIMIT_STORE_SPARE) puts fail in the same way,
 * while removals and reading go on.
 *
 * Mail expires by the store's own clock, which no jump of the wall clock moves; mail_writer.h.
 */

struct mail_store; /* opaque */

struct mail_limits {
    uint64_t messages;      /* a mailbox holds at most; 0: no mailboxes */
    uint64_t bytes;         /* of messages as they are sealed: about 110 more than their bodies */
    unsigned share_percent; /* of both, for one sender */
    int64_t ttl_ms;
};

struct mail_store_config {
    const struct env *env;
    struct mail_limits limits;
    void (*wake)(void *ctx); /* from other threads: completions wait, where none did; take all */
    void *ctx;
};

/* Opens or makes mail.db in the working directory `dirfd`, which has to stay open.  Errors as
 * database_open: a disk that is full to the last byte is one. */
MUST_CHECK enum mlt_err mail_store_open(const struct mail_store_config *config, int dirfd,
                                        struct mail_store **store);

/* Starts the threads: after the sandbox, which holds for a thread only if it came before it. */
MUST_CHECK enum mlt_err mail_store_start(struct mail_store *store);

/* Finishes what the writer was given, then ends the threads.  Completions not taken are lost. */
void mail_store_close(struct mail_store **store);

/* Every mailbox that holds something; before mail_store_start. */
struct mail_box_visit {
    enum mlt_err (*box)(void *ctx, const struct name *recipient, uint64_t messages);
    void *ctx;
};
MUST_CHECK enum mlt_err mail_store_each_box(struct mail_store *store,
                                            const struct mail_box_visit *visit);

/* ---- jobs ---- */

/* The public half of a recipient's mailbox pair (SPKI DER), without which nothing is put. */
bool mail_store_has_key(const struct mail_store *store, const struct name *recipient);
MUST_CHECK enum mlt_err mail_store_set_key(struct mail_store *store, const struct name *recipient,
                                           struct span spki);

/* Keep this.  Answered by MAIL_PUT.  MLT_ERR_TOO_MANY when LIMIT_STORE_QUEUE bytes or
 * LIMIT_STORE_JOBS jobs wait, MLT_ERR_MISSING without a key; nothing is answered then. */
struct mail_put {
    const struct envelope *envelope; /* with sender and time; copied */
    void *ticket;
};
MUST_CHECK enum mlt_err mail_store_put(struct mail_store *store, const struct mail_put *put);

/* The recipient has it, or it cannot be opened: its row goes, and its sender is told `state`
 * (DELIVERED, UNKNOWN).  Answered by MAIL_REMOVED, if it was still there.  Repeated until the disk
 * takes it.  MLT_ERR_TOO_MANY as above: it then stays, and is delivered once more. */
MUST_CHECK enum mlt_err mail_store_remove(struct mail_store *store, const struct name *recipient,
                                          int64_t row, enum outcome_state state);

/* A notice of ours for a sender, about a recipient (OUTCOME_READ); dropped beyond
 * LIMIT_NOTICES_ABOUT of that pair.  Answered by MAIL_TOLD when it is kept. */
struct mail_notice {
    struct name sender, recipient;
    uint8_t id[ENVELOPE_ID];
    enum outcome_state state;
    enum outcome_reason reason;
};
MUST_CHECK enum mlt_err mail_store_tell(struct mail_store *store, const struct mail_notice *notice);

/* The sender has it durably: the notice goes. */
MUST_CHECK enum mlt_err mail_store_noted(struct mail_store *store, const struct name *sender,
                                         const struct noted *noted);

/* Everything in this mailbox goes, at once and for good; its senders are told ERASED (MAIL_TOLD
 * each), and a new key is needed for the next put.  Answered by MAIL_ERASED once that is committed:
 * until then whoever ordered it must not forget it, nor name a new key. */
MUST_CHECK enum mlt_err mail_store_erase(struct mail_store *store, const struct name *recipient);

/* Removes what has expired, a bounded number at a time; its senders are told (MAIL_TOLD).  Retries
 * what failed.  Call about once a second. */
void mail_store_tick(struct mail_store *store);

/*
 * The messages of `recipient` beyond row `after`, in order, all of one segment: answered by
 * MAIL_READ.  With another segment's key or none the answer names the segment that comes next and
 * its wrapped key instead, and the job is given once more.
 *
 * Three things can be wrong, and they are told apart.  A message that does not open comes back as
 * not readable.  A key that is not the one of the segment it is said to be of fails the job with
 * MLT_ERR_AUTH: nothing is known about the messages, and none may be removed for it.  And where ca
 * says that it can never unwrap this segment, the job is given with `lost`: then all its messages
 * come back as not readable.  (So do those whose segment is not in the database any more.)
 */
struct mail_read {
    struct name recipient;
    int64_t after;
    size_t most;                   /* messages */
    size_t most_bytes;             /* of bodies; one message is always given */
    uint8_t segment[MAIL_SEGMENT]; /* that `key` or `lost` is about; all zero: none */
    const struct secret *key;      /* copied; NULL: none */
    bool lost;                     /* ca can never unwrap this segment */
    uint64_t ticket;
};
MUST_CHECK enum mlt_err mail_store_read(struct mail_store *store, const struct mail_read *read);

/* The notices for `sender` beyond `after`: answered by MAIL_NOTICES. */
struct mail_read_notices {
    struct name sender;
    int64_t after;
    size_t most;
    uint64_t ticket;
};
MUST_CHECK enum mlt_err mail_store_read_notices(struct mail_store *store,
                                                const struct mail_read_notices *read);

/* ---- completions ---- */

enum mail_done_kind {
    MAIL_NOTHING = 0,
    MAIL_PUT,     /* ticket, err, outcome, row, fresh */
    MAIL_REMOVED, /* notice: for its sender, kept; recipient in it */
    MAIL_TOLD,   /* notice; `removed` if a message left a mailbox with it (expired): not if that was
                    an erased one, which holds nothing any more */
    MAIL_ERASED, /* err, notice.recipient: his mailbox holds nothing; an err: give it once more */
    MAIL_READ,   /* read_ticket, err (MLT_ERR_AUTH, see mail_store_read; anything else: again,
                    later), messages or wrapped, end */
    MAIL_NOTICES /* read_ticket, err, notices, end */
};

struct mail_message {
    int64_t row;
    bool readable;      /* false: damaged; only row is good */
    struct buf deliver; /* envelope_decode_deliver takes it */
};

struct mail_notice_row {
    int64_t row;
    struct mail_notice notice;
};

struct mail_done {
    enum mail_done_kind kind;
    enum mlt_err err;
    void *ticket;           /* MAIL_PUT */
    struct outcome outcome; /* MAIL_PUT: what its sender is told: STORED, DELIVERED (it was,
                               before), or REFUSED with FULL, SHARE, NO_ROOM, DUPLICATE */
    int64_t row;            /* MAIL_PUT, if STORED */
    bool fresh;             /* MAIL_PUT: the mailbox holds one more now */
    struct mail_notice notice;
    bool removed;
    uint64_t read_ticket;
    struct mail_message *messages;   /* MAIL_READ */
    struct mail_notice_row *notices; /* MAIL_NOTICES */
    size_t count;
    bool end;                      /* nothing lies beyond these, at the time of reading */
    uint8_t segment[MAIL_SEGMENT]; /* MAIL_READ that needs a key: count is 0, end false */
    struct buf wrapped;
};

/* The next completion, owned by the caller; false when there is none. */
bool mail_store_take(struct mail_store *store, struct mail_done *done);
void mail_done_clear(struct mail_done *done);

/* Bytes of messages that wait for the writer. */
size_t mail_store_waiting(const struct mail_store *store);

#endif

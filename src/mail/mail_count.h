/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_MAIL_COUNT_H
#define MALOTE_MAIL_COUNT_H

#include "mail/mail_map.h"
#include "mail/mail_table.h"

/*
 * What mailboxes hold and what each sender has in them, as the transaction under way sees it.  They
 * are read once and then kept in memory, where many messages of one transaction change them; what
 * was changed is written once, at its end.  There is only one writer, so memory stays right; after
 * a transaction that failed all of it is forgotten.
 */

struct mail_box {
    struct mail_entry entry; /* by name */
    int64_t number;
    struct mail_count holds;
};

struct mail_share {
    struct mail_entry entry; /* by box and sender */
    struct mail_count holds;
    bool changed;
};

struct mail_counts {
    struct mail_table *table;
    struct mail_map boxes, shares;
    struct mail_share **changed; /* LIMIT_STORE_BATCH of them at most */
    size_t changed_count;
};

MUST_CHECK enum mlt_err mail_counts_init(struct mail_counts *counts, const struct env *env,
                                         struct mail_table *table);
void mail_counts_clear(struct mail_counts *counts);

/* Borrowed until mail_counts_end or mail_counts_forget.  One that is not there is made if `make`;
 * else *box is NULL. */
MUST_CHECK enum mlt_err mail_counts_box(struct mail_counts *counts, const struct name *recipient,
                                        bool make, struct mail_box **box);
MUST_CHECK enum mlt_err mail_counts_share(struct mail_counts *counts, const struct mail_box *box,
                                          const struct name *sender, struct mail_share **share);

void mail_counts_add(struct mail_counts *counts, struct mail_box *box, struct mail_share *share,
                     uint64_t bytes);
void mail_counts_take(struct mail_counts *counts, struct mail_box *box, struct mail_share *share,
                      uint64_t bytes);

/* Writes what was changed: before the commit, and before anything else looks at the tables. */
MUST_CHECK enum mlt_err mail_counts_write(struct mail_counts *counts);
/* After a commit: gives memory back where it is too much. */
void mail_counts_end(struct mail_counts *counts);
void mail_counts_forget(struct mail_counts *counts);

#endif

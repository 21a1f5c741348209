/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_count.h"

#include "base/alloc.h"
#include "base/limits.h"

enum mlt_err mail_counts_init(struct mail_counts *counts, const struct env *env,
                              struct mail_table *table)
{
    counts->table = table;
    TRY(ALLOC_ARRAY(LIMIT_STORE_BATCH, &counts->changed));
    TRY(mail_map_init(&counts->boxes, env));
    return mail_map_init(&counts->shares, env);
}

void mail_counts_forget(struct mail_counts *counts)
{
    mail_map_empty(&counts->boxes);
    mail_map_empty(&counts->shares);
    counts->changed_count = 0;
}

void mail_counts_clear(struct mail_counts *counts)
{
    mail_counts_forget(counts);
    mail_map_clear(&counts->boxes);
    mail_map_clear(&counts->shares);
    alloc_free(counts->changed);
    *counts = (struct mail_counts) { 0 };
}

/* What a new entry is filled with is asked before it is put into the map. */
static enum mlt_err load_box(struct mail_counts *counts, const struct name *recipient, bool make,
                             struct mail_box *made, bool *found)
{
    TRY(mail_table_find_box(counts->table, recipient, &made->number, found));
    if (!*found && !make)
        return MLT_OK;
    if (!*found)
        TRY(mail_table_add_box(counts->table, recipient, &made->number));
    *found = true;
    made->entry.name = *recipient;
    return mail_table_box_sum(counts->table, made->number, &made->holds);
}

static void free_box(struct mail_box **box)
{
    alloc_free(*box);
}

enum mlt_err mail_counts_box(struct mail_counts *counts, const struct name *recipient, bool make,
                             struct mail_box **box)
{
    struct mail_box *known = (struct mail_box *)mail_map_find(&counts->boxes, 0, recipient);
    if (known != NULL) {
        *box = known;
        return MLT_OK;
    }
    CLEANUP(free_box) struct mail_box *made = NULL;
    bool found = false;
    TRY(ALLOC_NEW(&made));
    TRY(load_box(counts, recipient, make, made, &found));
    *box = NULL;
    if (!found)
        return MLT_OK;
    TRY(mail_map_put(&counts->boxes, &made->entry));
    *box = made;
    made = NULL;
    return MLT_OK;
}

static void free_share(struct mail_share **share)
{
    alloc_free(*share);
}

enum mlt_err mail_counts_share(struct mail_counts *counts, const struct mail_box *box,
                               const struct name *sender, struct mail_share **share)
{
    struct mail_entry *known = mail_map_find(&counts->shares, box->number, sender);
    if (known != NULL) {
        *share = (struct mail_share *)known;
        return MLT_OK;
    }
    CLEANUP(free_share) struct mail_share *made = NULL;
    TRY(ALLOC_NEW(&made));
    made->entry.number = box->number;
    made->entry.name = *sender;
    TRY(mail_table_share(counts->table, box->number, sender, &made->holds));
    TRY(mail_map_put(&counts->shares, &made->entry));
    *share = made;
    made = NULL;
    return MLT_OK;
}

static void mark(struct mail_counts *counts, struct mail_share *share)
{
    if (!share->changed)
        counts->changed[counts->changed_count++] = share;
    share->changed = true;
}

static void add(struct mail_count *to, uint64_t bytes)
{
    to->messages++;
    to->bytes += bytes;
}

/* Not below nothing, whatever a damaged row said of its size. */
static void take(struct mail_count *from, uint64_t bytes)
{
    from->messages -= from->messages > 0 ? 1 : 0;
    from->bytes -= from->bytes > bytes ? bytes : from->bytes;
}

void mail_counts_add(struct mail_counts *counts, struct mail_box *box, struct mail_share *share,
                     uint64_t bytes)
{
    add(&box->holds, bytes);
    add(&share->holds, bytes);
    mark(counts, share);
}

void mail_counts_take(struct mail_counts *counts, struct mail_box *box, struct mail_share *share,
                      uint64_t bytes)
{
    take(&box->holds, bytes);
    take(&share->holds, bytes);
    mark(counts, share);
}

enum mlt_err mail_counts_write(struct mail_counts *counts)
{
    for (size_t i = 0; i < counts->changed_count; i++) {
        struct mail_share *share = counts->changed[i];
        TRY(mail_table_set_share(counts->table, share->entry.number, &share->entry.name,
                                 &share->holds));
        share->changed = false;
    }
    counts->changed_count = 0;
    return MLT_OK;
}

void mail_counts_end(struct mail_counts *counts)
{
    if (counts->boxes.count + counts->shares.count > LIMIT_STORE_COUNTS)
        mail_counts_forget(counts);
}

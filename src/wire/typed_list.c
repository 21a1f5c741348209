/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/typed_list.h"

#include "base/limits.h"

/* Type and length of an entry. */
static const size_t entry_header = 4;

static void get_entry(struct wire_in *in, struct typed_entry *entry)
{
    entry->type = wire_get_u16(in);
    entry->value = wire_get_vec16(in, 0, LIMIT_TYPED_LIST - entry_header);
}

/* The whole list is judged before any entry is believed. */
static enum mlt_err check_entries(struct span entries)
{
    struct wire_in in = wire_in(entries);
    struct typed_entry entry;
    bool first = true;
    uint16_t before = 0;
    while (in.err == MLT_OK && in.rest.n > 0) {
        get_entry(&in, &entry);
        wire_require(&in, first || entry.type > before, MLT_ERR_RANGE);
        before = entry.type;
        first = false;
    }
    return wire_in_end(&in);
}

void typed_list_get(struct wire_in *in, struct typed_list *list)
{
    struct span entries = wire_get_vec16(in, 0, LIMIT_TYPED_LIST);
    if (in->err == MLT_OK)
        in->err = check_entries(entries);
    list->entries = entries;
}

void typed_list_put(struct wire_out *out, const struct typed_list *list)
{
    if (out->err == MLT_OK)
        out->err = check_entries(list->entries);
    wire_put_vec16(out, list->entries, 0, LIMIT_TYPED_LIST);
}

bool typed_list_next(struct typed_list *list, struct typed_entry *entry)
{
    struct wire_in in = wire_in(list->entries);
    struct typed_entry got = { 0 };
    if (in.rest.n == 0)
        return false;
    get_entry(&in, &got);
    if (in.err != MLT_OK)
        return false;
    list->entries = in.rest;
    *entry = got;
    return true;
}

enum mlt_err typed_list_add(struct buf *entries, const struct typed_entry *entry)
{
    struct wire_out w = wire_out(entries);
    wire_put_u16(&w, entry->type);
    wire_put_vec16(&w, entry->value, 0, LIMIT_TYPED_LIST - entry_header);
    return wire_out_end(&w);
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_MAIL_MAP_H
#define MALOTE_MAIL_MAP_H

#include "base/env.h"
#include "wire/name.h"

/*
 * What the mail store remembers by name, by number, or by both: keys of recipients, mailboxes, a
 * sender's share of one, open segments.  The entries belong to whoever puts them in; the first
 * member of each is a struct mail_entry.
 */

struct mail_entry {
    struct mail_entry *next; /* of the same bucket */
    int64_t number;
    struct name name;
};

struct mail_map {
    struct mail_entry **buckets;
    size_t capacity; /* 0 or a power of two */
    size_t count;
    uint64_t seed;
};

/* The seed keeps whoever chooses names from choosing collisions. */
MUST_CHECK enum mlt_err mail_map_init(struct mail_map *map, const struct env *env);
/* The entries are the caller's to free first. */
void mail_map_clear(struct mail_map *map);

/* NULL if there is none; borrowed. */
struct mail_entry *mail_map_find(const struct mail_map *map, int64_t number,
                                 const struct name *name);
/* `entry` has its number and name, which are not in the map yet.  MLT_ERR_NOMEM. */
MUST_CHECK enum mlt_err mail_map_put(struct mail_map *map, struct mail_entry *entry);
void mail_map_remove(struct mail_map *map, struct mail_entry *entry);
/* Removes and frees all entries: where nothing hangs on them. */
void mail_map_empty(struct mail_map *map);

#endif

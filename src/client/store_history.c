/* SPDX-License-Identifier: Apache-2.0 */
#include "client/store_history.h"

#include "client/store_rows.h"

enum mlt_err store_history_next(struct store *store, const struct name *peer, int64_t after,
                                struct store_message *m, bool *found)
{
    static const char all[] = "SELECT " STORE_ROW_AND_BODY " FROM messages WHERE row > ?1"
                              " ORDER BY row LIMIT 1";
    static const char with_one[] = "SELECT " STORE_ROW_AND_BODY " FROM messages"
                                   " WHERE peer = ?2 AND row > ?1 ORDER BY row LIMIT 1";
    TRY(store_rows_ready(store));
    CLEANUP(query_end) struct query q = query_start(&store->db, peer != NULL ? with_one : all);
    query_put_int(&q, after);
    if (peer != NULL)
        query_put_name(&q, peer);
    return store_rows_next(&q, true, m, found);
}

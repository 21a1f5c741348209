/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cmd/maloted_config.h"

/* Any text as a configuration file: taken whole within the bounds of every key, or refused with a
 * reason and without a trace. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool cond)
{
    if (!cond)
        abort();
}

static void check_taken(const struct maloted_options *o)
{
    must(o->kdf_cost >= LIMIT_KDF_COST_MIN && o->kdf_cost <= LIMIT_KDF_COST_MAX);
    must((o->kdf_cost & (o->kdf_cost - 1)) == 0);
    must(o->ca_bits == 2048 || o->ca_bits == 3072 || o->ca_bits == 4096);
    must(o->group >= DH_FFDHE2048 && o->group <= DH_FFDHE4096);
    must(o->mode >= ENROL_INVITE && o->mode <= ENROL_APPROVE);
    must(o->listen_count <= LISTEN_MAX);
    for (size_t i = 0; i < o->listen_count; i++)
        must(listen_check(o->listen[i]) == MLT_OK);
    for (size_t i = 0; i < KEY_COUNT; i++)
        must(o->texts[i] == NULL || strlen(o->texts[i]) <= LIMIT_CONFIG_LINE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > MALOTED_CONFIG_MAX)
        return 0;
    CLEANUP(buf_clear) struct buf why = { 0 };
    CLEANUP(maloted_options_clear) struct maloted_options o;
    maloted_options_init(&o);
    if (maloted_config_parse(span_of(data, size), &o, &why) == MLT_OK) {
        check_taken(&o);
        return 0;
    }
    must(why.len > 0 && o.listen_count == 0);
    for (size_t i = 0; i < KEY_COUNT; i++)
        must(o.texts[i] == NULL);
    return 0;
}

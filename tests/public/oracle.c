/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/secret.h"
#include "crypto/crypto.h"

#define ARGUMENTS 6

static const struct verb *find_verb(const char *name)
{
    static const struct verb *(*const parts[])(size_t *) = {
        oracle_hash_verbs, oracle_kdf_verbs, oracle_etm_verbs,
        oracle_rsa_verbs,  oracle_dh_verbs,  oracle_pki_verbs,
    };
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        size_t count = 0;
        const struct verb *verbs = parts[i](&count);
        for (size_t k = 0; k < count; k++)
            if (strcmp(verbs[k].name, name) == 0)
                return &verbs[k];
    }
    return NULL;
}

enum mlt_err oracle_number(const struct buf *arg, uint32_t *number)
{
    ENSURE(arg->len <= 4, MLT_ERR_RANGE);
    uint32_t got = 0;
    for (size_t i = 0; i < arg->len; i++)
        got = got << 8 | arg->p[i];
    *number = got;
    return MLT_OK;
}

static enum mlt_err read_argument(const char *word, struct buf *arg)
{
    uint8_t *at = NULL;
    size_t n = strlen(word);
    if (strcmp(word, "-") == 0)
        return MLT_OK;
    TRY(buf_extend(arg, n / 2, &at));
    return hex_decode(span_str(word), at, n / 2);
}

static enum mlt_err answer(char *line, struct buf *out)
{
    struct buf args[ARGUMENTS] = { 0 };
    char *rest = line;
    const struct verb *verb = find_verb(strsep(&rest, " "));
    ENSURE(verb != NULL && verb->count <= ARGUMENTS, MLT_ERR_USAGE);
    enum mlt_err err = MLT_OK;
    size_t count = 0;
    for (char *word = NULL; err == MLT_OK && (word = strsep(&rest, " ")) != NULL; count++)
        err = count < verb->count ? read_argument(word, &args[count]) : MLT_ERR_USAGE;
    if (err == MLT_OK)
        err = count == verb->count ? verb->answer(args, out) : MLT_ERR_USAGE;
    for (size_t i = 0; i < ARGUMENTS; i++)
        buf_clear(&args[i]);
    return err;
}

static void say(enum mlt_err err, struct buf *out)
{
    const char *text = "";
    if (err == MLT_OK)
        err = buf_text(out, &text);
    if (err != MLT_OK)
        printf("%s\n", err_name(err));
    else
        printf("ok%s%s\n", *text != '\0' ? " " : "", text);
    fflush(stdout);
}

int main(void)
{
    bool locked = false;
    char *line = NULL;
    size_t room = 0;
    ssize_t n = 0;
    if (secret_start(&locked) != MLT_OK || crypto_start() != MLT_OK)
        return 1;
    while ((n = getline(&line, &room, stdin)) > 0) {
        CLEANUP(buf_clear) struct buf out = { 0 };
        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        say(answer(line, &out), &out);
    }
    free(line);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/timefmt.h"
#include "crypto/dh.h"
#include "relay/listen.h"
#include "wire/join_url.h"
#include "wire/name.h"

/*
 * Words that people type and files hold: names, realms, times, groups, hex, addresses.  Names and
 * realms are judged a second time by the patterns of PROTOCOL.md 2.
 */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static regex_t name_form, realm_form;

static void must(bool cond)
{
    if (!cond)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    must(regcomp(&name_form, "^[a-z0-9]+([._-][a-z0-9]+)*$", REG_EXTENDED | REG_NOSUB) == 0);
    must(regcomp(&realm_form, "^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
                 REG_EXTENDED | REG_NOSUB) == 0);
    return 0;
}

static bool has_form(const regex_t *form, struct span word, const char *text)
{
    return memchr(word.p, '\0', word.n) == NULL && memchr(word.p, '\n', word.n) == NULL &&
           regexec(form, text, 0, NULL, 0) == 0;
}

static bool labels_fit(const char *text)
{
    for (; *text != '\0'; text += strcspn(text, "."), text += *text == '.')
        if (strcspn(text, ".") > 63)
            return false;
    return true;
}

static void check_names(struct span word, const char *text)
{
    struct name name = { 0 };
    bool is_name = word.n <= LIMIT_NAME && has_form(&name_form, word, text);
    must((name_parse(word, &name) == MLT_OK) == is_name);
    must(!is_name || strcmp(name.text, text) == 0);
    struct name user = { 0 };
    must(name_parse_user(word, &user) != MLT_OK || (is_name && name_eq(&user, &name)));
    bool is_realm = word.n <= LIMIT_REALM && has_form(&realm_form, word, text) && labels_fit(text);
    must((realm_check(word) == MLT_OK) == is_realm);
}

static void check_time(const char *text)
{
    int64_t seconds = 0;
    if (timefmt_duration(text, &seconds) != MLT_OK)
        return;
    char printed[32];
    int64_t again = 0;
    must(seconds >= 1 && seconds <= (int64_t)3650 * 86400);
    snprintf(printed, sizeof(printed), "%llds", (long long)seconds);
    must(timefmt_duration(printed, &again) == MLT_OK && again == seconds);
}

static void check_hex(struct span word, const char *text)
{
    uint8_t bytes[64];
    char printed[2 * sizeof(bytes) + 1];
    size_t n = word.n / 2;
    if (n > sizeof(bytes) || hex_decode(word, bytes, n) != MLT_OK)
        return;
    hex_encode(span_of(bytes, n), printed);
    must(strcmp(printed, text) == 0);
}

static void check_addresses(struct span word, const char *text)
{
    char host[256];
    uint16_t port = 0;
    enum dh_group group = DH_NONE;
    bool has_host = host_port_parse(word, host, &port) == MLT_OK;
    must(!has_host || strlen(host) < sizeof(host));
    must(listen_check(text) != MLT_OK || memchr(word.p, '\n', word.n) == NULL);
    must(dh_group_parse(text, &group) != MLT_OK || strncmp(text, "ffdhe", 5) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char text[301];
    if (n >= sizeof(text))
        return 0;
    memcpy(text, data, n);
    text[n] = '\0';
    const struct span word = span_of(text, n);
    check_names(word, text);
    check_hex(word, text);
    if (strlen(text) != n)
        return 0;
    check_time(text);
    check_addresses(word, text);
    return 0;
}

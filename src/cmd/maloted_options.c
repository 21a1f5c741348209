/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/maloted_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/timefmt.h"
#include "wire/join_url.h"
#include "wire/name.h"

/* Less than two of the largest messages would be no mailbox, and the other two no bound. */
static const uint64_t least_mailbox_bytes = 2 * LIMIT_BODY;
static const uint64_t most_mailbox_bytes = (uint64_t)1024 << 30;
static const uint32_t most_mailbox_messages = 1000000000;

static const char *const names[KEY_COUNT] = {
    [KEY_DATA] = "data",
    [KEY_LISTEN] = "listen",
    [KEY_ADVERTISE] = "advertise",
    [KEY_REALM] = "realm",
    [KEY_ENROL] = "enrol",
    [KEY_PASSPHRASE_FD] = "passphrase-fd",
    [KEY_PASSPHRASE_FILE] = "passphrase-file",
    [KEY_USER_NET] = "user-net",
    [KEY_USER_CA] = "user-ca",
    [KEY_KDF_COST] = "kdf-cost",
    [KEY_CA_BITS] = "ca-bits",
    [KEY_GROUP] = "group",
    [KEY_MAILBOX_MESSAGES] = "mailbox-messages",
    [KEY_MAILBOX_BYTES] = "mailbox-bytes",
    [KEY_MAILBOX_SHARE] = "mailbox-share",
    [KEY_MAILBOX_LIFE] = "mailbox-life",
    [KEY_CERT_LIFE] = "cert-life",
};

enum maloted_key maloted_key_find(const char *name)
{
    unsigned key = 0;
    while (key < KEY_COUNT && strcmp(names[key], name) != 0)
        key++;
    return (enum maloted_key)key;
}

void maloted_options_init(struct maloted_options *o)
{
    *o = (struct maloted_options) { .mode = ENROL_INVITE,
                                    .passphrase_fd = -1,
                                    .kdf_cost = LIMIT_KDF_COST,
                                    .ca_bits = 2048,
                                    .group = DH_FFDHE3072,
                                    .mailbox_messages = LIMIT_MAILBOX_MESSAGES,
                                    .mailbox_bytes = LIMIT_MAILBOX_BYTES,
                                    .mailbox_share = LIMIT_MAILBOX_SHARE,
                                    .mailbox_life_s = LIMIT_MAILBOX_TTL_S,
                                    .cert_life_s = (int64_t)LIMIT_CERT_DAYS * 86400 };
}

void maloted_options_clear(struct maloted_options *o)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        alloc_free_text(&o->texts[i]);
    while (o->listen_count > 0)
        alloc_free_text(&o->listen[--o->listen_count]);
}

/* ---- one check a kind of value ---- */

static bool parse_number(const char *text, uint32_t most, uint32_t *out)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != '\0' || value > most)
        return false;
    *out = (uint32_t)value;
    return true;
}

static enum mlt_err refuse(struct buf *why, enum maloted_key key, const char *value,
                           const char *wanted)
{
    TRY(buf_put_format(why, "%s '%s': it must be %s", names[key], value, wanted));
    return MLT_ERR_USAGE;
}

static enum mlt_err set_mode(struct maloted_options *o, const char *value, struct buf *why)
{
    static const struct {
        const char *name;
        enum enrol_mode mode;
    } modes[] = { { "invite", ENROL_INVITE },
                  { "open", ENROL_OPEN },
                  { "approve", ENROL_APPROVE } };
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        if (strcmp(modes[i].name, value) == 0) {
            o->mode = modes[i].mode;
            return MLT_OK;
        }
    }
    return refuse(why, KEY_ENROL, value, "invite, open or approve");
}

static enum mlt_err set_kdf_cost(struct maloted_options *o, const char *value, struct buf *why)
{
    uint32_t n = 0;
    if (!parse_number(value, LIMIT_KDF_COST_MAX, &n) || n < LIMIT_KDF_COST_MIN ||
        (n & (n - 1)) != 0)
        return refuse(why, KEY_KDF_COST, value, "a power of two from 1024 to 1048576");
    o->kdf_cost = n;
    return MLT_OK;
}

static enum mlt_err set_ca_bits(struct maloted_options *o, const char *value, struct buf *why)
{
    uint32_t bits = 0;
    if (!parse_number(value, 4096, &bits) || (bits != 2048 && bits != 3072 && bits != 4096))
        return refuse(why, KEY_CA_BITS, value, "2048, 3072 or 4096");
    o->ca_bits = bits;
    return MLT_OK;
}

static enum mlt_err set_group(struct maloted_options *o, const char *value, struct buf *why)
{
    if (dh_group_parse(value, &o->group) != MLT_OK)
        return refuse(why, KEY_GROUP, value, "ffdhe2048, ffdhe3072 or ffdhe4096");
    return MLT_OK;
}

static enum mlt_err set_fd(struct maloted_options *o, const char *value, struct buf *why)
{
    uint32_t fd = 0;
    if (!parse_number(value, INT16_MAX, &fd))
        return refuse(why, KEY_PASSPHRASE_FD, value, "the number of an open descriptor");
    o->passphrase_fd = (int)fd;
    return MLT_OK;
}

static enum mlt_err set_mailbox_messages(struct maloted_options *o, const char *value,
                                         struct buf *why)
{
    uint32_t messages = 0;
    if (!parse_number(value, most_mailbox_messages, &messages))
        return refuse(why, KEY_MAILBOX_MESSAGES, value,
                      "a number up to 1000000000; 0 for no mailboxes");
    o->mailbox_messages = messages;
    return MLT_OK;
}

/* Digits, and K, M or G. */
static bool parse_size(const char *text, uint64_t *out)
{
    static const char units[] = "KMG";
    char digits[11];
    uint32_t number = 0;
    size_t n = strlen(text);
    unsigned shift = 0;
    const char *unit = n > 0 ? strchr(units, text[n - 1]) : NULL;
    if (unit != NULL) {
        shift = 10 * (unsigned)(unit - units + 1);
        n--;
    }
    if (n == 0 || n >= sizeof(digits))
        return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    if (!parse_number(digits, UINT32_MAX, &number))
        return false;
    *out = (uint64_t)number << shift;
    return true;
}

static enum mlt_err set_mailbox_bytes(struct maloted_options *o, const char *value, struct buf *why)
{
    uint64_t bytes = 0;
    if (!parse_size(value, &bytes) || bytes < least_mailbox_bytes || bytes > most_mailbox_bytes)
        return refuse(why, KEY_MAILBOX_BYTES, value,
                      "a number of bytes from 128K to 1024G, as in 512M or 2G");
    o->mailbox_bytes = bytes;
    return MLT_OK;
}

static enum mlt_err set_mailbox_share(struct maloted_options *o, const char *value, struct buf *why)
{
    uint32_t percent = 0;
    if (!parse_number(value, 100, &percent) || percent == 0)
        return refuse(why, KEY_MAILBOX_SHARE, value, "a percentage from 1 to 100");
    o->mailbox_share = percent;
    return MLT_OK;
}

/* Who writes 30 means days, and 30 seconds would throw away everybody's mail. */
static bool has_unit(const char *time)
{
    size_t n = strlen(time);
    return n > 0 && (time[n - 1] < '0' || time[n - 1] > '9');
}

static enum mlt_err set_mailbox_life(struct maloted_options *o, const char *value, struct buf *why)
{
    if (!has_unit(value) || timefmt_duration(value, &o->mailbox_life_s) != MLT_OK)
        return refuse(why, KEY_MAILBOX_LIFE, value, "a time from 1s to 3650d, as in 12h or 30d");
    return MLT_OK;
}

static enum mlt_err set_cert_life(struct maloted_options *o, const char *value, struct buf *why)
{
    static const int64_t most = (int64_t)LIMIT_CERT_DAYS * 86400;
    int64_t life = 0;
    if (!has_unit(value) || timefmt_duration(value, &life) != MLT_OK ||
        life < LIMIT_CERT_LIFE_MIN_S || life > most)
        return refuse(why, KEY_CERT_LIFE, value, "a time from 10m to 90d, as in 24h or 30d");
    o->cert_life_s = life;
    return MLT_OK;
}

static enum mlt_err check_advertise(const char *value, struct buf *why)
{
    char host[256];
    uint16_t port = LISTEN_PORT;
    if (value[0] == '\0' || host_port_parse(span_str(value), host, &port) != MLT_OK ||
        host[0] == '\0' || port == 0)
        return refuse(why, KEY_ADVERTISE, value, "HOST or HOST:PORT");
    return MLT_OK;
}

static enum mlt_err add_listen(struct maloted_options *o, const char *value, struct buf *why)
{
    if (value[0] == '\0' || listen_check(value) != MLT_OK)
        return refuse(why, KEY_LISTEN, value, "ADDR:PORT, [ADDR]:PORT, ADDR or :PORT");
    if (o->listen_count == LISTEN_MAX)
        return refuse(why, KEY_LISTEN, value, "given at most 32 times");
    TRY(alloc_text(value, &o->listen[o->listen_count]));
    o->listen_count++;
    return MLT_OK;
}

static enum mlt_err check_value(struct maloted_options *o, enum maloted_key key, const char *value,
                                struct buf *why)
{
    switch (key) {
    case KEY_LISTEN:
        return add_listen(o, value, why);
    case KEY_ADVERTISE:
        return check_advertise(value, why);
    case KEY_REALM:
        if (realm_check(span_str(value)) != MLT_OK)
            return refuse(why, key, value,
                          "a domain of lower-case RFC 1123 labels, at most 64 bytes");
        return MLT_OK;
    case KEY_ENROL:
        return set_mode(o, value, why);
    case KEY_PASSPHRASE_FD:
        return set_fd(o, value, why);
    case KEY_KDF_COST:
        return set_kdf_cost(o, value, why);
    case KEY_CA_BITS:
        return set_ca_bits(o, value, why);
    case KEY_GROUP:
        return set_group(o, value, why);
    case KEY_MAILBOX_MESSAGES:
        return set_mailbox_messages(o, value, why);
    case KEY_MAILBOX_BYTES:
        return set_mailbox_bytes(o, value, why);
    case KEY_MAILBOX_SHARE:
        return set_mailbox_share(o, value, why);
    case KEY_MAILBOX_LIFE:
        return set_mailbox_life(o, value, why);
    case KEY_CERT_LIFE:
        return set_cert_life(o, value, why);
    default:
        return value[0] != '\0' ? MLT_OK : refuse(why, key, value, "given a value");
    }
}

enum mlt_err maloted_options_set(struct maloted_options *o, enum maloted_key key, const char *value,
                                 struct buf *why)
{
    if (o->texts[key] != NULL && key != KEY_LISTEN) {
        TRY(buf_put_format(why, "%s is given twice", names[key]));
        return MLT_ERR_USAGE;
    }
    if ((key == KEY_PASSPHRASE_FD && o->texts[KEY_PASSPHRASE_FILE] != NULL) ||
        (key == KEY_PASSPHRASE_FILE && o->texts[KEY_PASSPHRASE_FD] != NULL)) {
        TRY(buf_put_str(why, "passphrase-fd and passphrase-file exclude each other"));
        return MLT_ERR_USAGE;
    }
    TRY(check_value(o, key, value, why));
    alloc_free_text(&o->texts[key]);
    return alloc_text(value, &o->texts[key]);
}

static void take_parsed(struct maloted_options *o, const struct maloted_options *from,
                        enum maloted_key key)
{
    switch (key) {
    case KEY_ENROL:
        o->mode = from->mode;
        return;
    case KEY_PASSPHRASE_FD:
        o->passphrase_fd = from->passphrase_fd;
        return;
    case KEY_KDF_COST:
        o->kdf_cost = from->kdf_cost;
        return;
    case KEY_CA_BITS:
        o->ca_bits = from->ca_bits;
        return;
    case KEY_GROUP:
        o->group = from->group;
        return;
    case KEY_MAILBOX_MESSAGES:
        o->mailbox_messages = from->mailbox_messages;
        return;
    case KEY_MAILBOX_BYTES:
        o->mailbox_bytes = from->mailbox_bytes;
        return;
    case KEY_MAILBOX_SHARE:
        o->mailbox_share = from->mailbox_share;
        return;
    case KEY_MAILBOX_LIFE:
        o->mailbox_life_s = from->mailbox_life_s;
        return;
    case KEY_CERT_LIFE:
        o->cert_life_s = from->cert_life_s;
        return;
    default:
        return;
    }
}

void maloted_options_complete(struct maloted_options *o, struct maloted_options *from)
{
    if (o->listen_count == 0) {
        for (size_t i = 0; i < from->listen_count; i++)
            o->listen[i] = from->listen[i];
        o->listen_count = from->listen_count;
        from->listen_count = 0;
    }
    /* One way to the passphrase on the command line replaces whichever the file names. */
    bool has_way = o->texts[KEY_PASSPHRASE_FD] != NULL || o->texts[KEY_PASSPHRASE_FILE] != NULL;
    for (unsigned key = 0; key < KEY_COUNT; key++) {
        bool is_way = key == KEY_PASSPHRASE_FD || key == KEY_PASSPHRASE_FILE;
        if (o->texts[key] != NULL || from->texts[key] == NULL || (is_way && has_way))
            continue;
        o->texts[key] = from->texts[key];
        from->texts[key] = NULL;
        take_parsed(o, from, (enum maloted_key)key);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client/server_file.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hex.h"

static const char *const state_names[] = {
    [SERVER_JOINING] = "joining", [SERVER_PENDING] = "pending", [SERVER_JOINED] = "joined"
};

void server_file_wipe(struct server_file *file)
{
    alloc_wipe(file, sizeof(*file));
}

const char *server_state_name(enum server_state state)
{
    bool known = state >= SERVER_JOINING && state <= SERVER_JOINED;
    return known ? state_names[state] : "unknown";
}

/* Takes "<key> <value>\n" off the front. */
static enum mlt_err take_line(struct span *text, const char *key, struct span *value)
{
    size_t key_n = strlen(key);
    ENSURE(text->n > key_n + 1, MLT_ERR_DAMAGED);
    ENSURE(span_eq(span_of(text->p, key_n), span_str(key)), MLT_ERR_DAMAGED);
    ENSURE(text->p[key_n] == ' ', MLT_ERR_DAMAGED);
    struct span rest = span_from(*text, key_n + 1);
    const uint8_t *end = memchr(rest.p, '\n', rest.n);
    ENSURE(end != NULL && end != rest.p, MLT_ERR_DAMAGED);
    size_t n = (size_t)(end - rest.p);
    *value = span_of(rest.p, n);
    *text = span_from(rest, n + 1);
    return MLT_OK;
}

static enum mlt_err parse_state(struct span value, enum server_state *state)
{
    for (enum server_state s = SERVER_JOINING; s <= SERVER_JOINED; s++) {
        if (span_eq(value, span_str(state_names[s]))) {
            *state = s;
            return MLT_OK;
        }
    }
    return MLT_ERR_DAMAGED;
}

static bool is_host_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '%';
}

static enum mlt_err parse_host(struct span value, char host[static SERVER_HOST])
{
    ENSURE(value.n > 0 && value.n < SERVER_HOST, MLT_ERR_DAMAGED);
    for (size_t i = 0; i < value.n; i++)
        ENSURE(is_host_byte(value.p[i]), MLT_ERR_DAMAGED);
    memcpy(host, value.p, value.n);
    host[value.n] = '\0';
    return MLT_OK;
}

static enum mlt_err parse_port(struct span value, uint16_t *port)
{
    unsigned n = 0;
    ENSURE(value.n >= 1 && value.n <= 5 && value.p[0] != '0', MLT_ERR_DAMAGED);
    for (size_t i = 0; i < value.n; i++) {
        ENSURE(value.p[i] >= '0' && value.p[i] <= '9', MLT_ERR_DAMAGED);
        n = n * 10 + (value.p[i] - '0');
    }
    ENSURE(n <= UINT16_MAX, MLT_ERR_DAMAGED);
    *port = (uint16_t)n;
    return MLT_OK;
}

static enum mlt_err parse_group(struct span value, enum dh_group *group)
{
    for (enum dh_group g = DH_FFDHE2048; g <= DH_FFDHE4096; g++) {
        if (span_eq(value, span_str(dh_group_name(g)))) {
            *group = g;
            return MLT_OK;
        }
    }
    return MLT_ERR_DAMAGED;
}

static enum mlt_err parse_invite(struct span value, struct invite *invite)
{
    ENSURE(value.n == 2 * (INVITE_ID + INVITE_TOKEN), MLT_ERR_DAMAGED);
    struct span id = span_of(value.p, (size_t)2 * INVITE_ID);
    ENSURE(hex_decode(id, invite->id, INVITE_ID) == MLT_OK, MLT_ERR_DAMAGED);
    struct span token = span_from(value, (size_t)2 * INVITE_ID);
    ENSURE(hex_decode(token, invite->token, INVITE_TOKEN) == MLT_OK, MLT_ERR_DAMAGED);
    return MLT_OK;
}

static enum mlt_err parse_lines(struct span text, struct server_file *got)
{
    struct span value;
    TRY(take_line(&text, "malote-server", &value));
    ENSURE(span_eq(value, span_str("1")), MLT_ERR_NEWER);
    TRY(take_line(&text, "state", &value));
    TRY(parse_state(value, &got->state));
    TRY(take_line(&text, "host", &value));
    TRY(parse_host(value, got->host));
    TRY(take_line(&text, "port", &value));
    TRY(parse_port(value, &got->port));
    TRY(take_line(&text, "ca", &value));
    ENSURE(hex_decode(value, got->pin, sizeof(got->pin)) == MLT_OK, MLT_ERR_DAMAGED);
    TRY(take_line(&text, "name", &value));
    ENSURE(name_parse(value, &got->name) == MLT_OK, MLT_ERR_DAMAGED);
    TRY(take_line(&text, "group", &value));
    TRY(parse_group(value, &got->min_group));
    if (text.n > 0) {
        TRY(take_line(&text, "invite", &value));
        TRY(parse_invite(value, &got->invite));
        got->has_invite = true;
    }
    /* A spent invite must not lie around. */
    ENSURE(!(got->has_invite && got->state == SERVER_JOINED), MLT_ERR_DAMAGED);
    ENSURE(text.n == 0, MLT_ERR_DAMAGED);
    return MLT_OK;
}

enum mlt_err server_file_parse(struct span text, struct server_file *file)
{
    CLEANUP(server_file_wipe) struct server_file got = { 0 };
    TRY(parse_lines(text, &got));
    *file = got;
    return MLT_OK;
}

static enum mlt_err put_fields(const struct server_file *f, struct buf *text)
{
    TRY(buf_put_format(text, "malote-server 1\nstate %s\n", server_state_name(f->state)));
    TRY(buf_put_format(text, "host %s\nport %u\nca ", f->host, (unsigned)f->port));
    TRY(buf_put_hex(text, SPAN_OF(f->pin)));
    TRY(buf_put_format(text, "\nname %s\n", f->name.text));
    TRY(buf_put_format(text, "group %s\n", dh_group_name(f->min_group)));
    if (f->has_invite) {
        TRY(buf_put_str(text, "invite "));
        TRY(buf_put_hex(text, SPAN_OF(f->invite.id)));
        TRY(buf_put_hex(text, SPAN_OF(f->invite.token)));
        TRY(buf_put_u8(text, '\n'));
    }
    return MLT_OK;
}

enum mlt_err server_file_put(const struct server_file *file, struct buf *out)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    TRY(put_fields(file, &text));
    CLEANUP(server_file_wipe) struct server_file again = { 0 };
    ENSURE(parse_lines(buf_span(&text), &again) == MLT_OK, MLT_ERR_USAGE);
    return buf_put(out, buf_span(&text));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/join_url.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hex.h"

static const char scheme[] = "malote://";
static const size_t host_max = 255;

void join_url_wipe(struct join_url *url)
{
    alloc_wipe(url, sizeof(*url));
}

static bool take_prefix(struct span *s, struct span prefix)
{
    if (s->n < prefix.n || !span_eq(span_of(s->p, prefix.n), prefix))
        return false;
    *s = span_from(*s, prefix.n);
    return true;
}

/* Where `c` stands first (or last), or s.n. */
static size_t find(struct span s, char c, bool last)
{
    size_t at = s.n;
    for (size_t i = 0; i < s.n && (last || at == s.n); i++)
        if (s.p[i] == (uint8_t)c)
            at = i;
    return at;
}

/* 0..65535 in the one decimal form. */
static enum mlt_err parse_port(struct span text, uint16_t *port)
{
    ENSURE(text.n >= 1 && text.n <= 5, MLT_ERR_ENCODING);
    ENSURE(text.n == 1 || text.p[0] != '0', MLT_ERR_ENCODING);
    uint32_t v = 0;
    for (size_t i = 0; i < text.n; i++) {
        ENSURE(text.p[i] >= '0' && text.p[i] <= '9', MLT_ERR_ENCODING);
        v = v * 10 + (uint32_t)(text.p[i] - '0');
    }
    ENSURE(v <= UINT16_MAX, MLT_ERR_ENCODING);
    *port = (uint16_t)v;
    return MLT_OK;
}

static bool is_host_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '%';
}

/* The address before a scope such as %eth0, which inet_pton does not know. */
static bool is_ipv6(const char *host)
{
    char address[INET6_ADDRSTRLEN];
    size_t n = strcspn(host, "%");
    bool empty_scope = host[n] == '%' && host[n + 1] == '\0';
    if (n >= sizeof(address) || empty_scope)
        return false;
    memcpy(address, host, n);
    address[n] = '\0';
    struct in6_addr unused;
    return inet_pton(AF_INET6, address, &unused) == 1;
}

/* Colons and a scope belong to IPv6 addresses only, and brackets hold nothing else. */
static enum mlt_err parse_host(struct span text, bool bracketed, char host[static 256])
{
    char got[256] = { 0 };
    ENSURE(text.n <= host_max, MLT_ERR_ENCODING);
    for (size_t i = 0; i < text.n; i++)
        ENSURE(is_host_byte(text.p[i]), MLT_ERR_ENCODING);
    if (text.n > 0)
        memcpy(got, text.p, text.n);
    if (bracketed || strpbrk(got, ":%") != NULL)
        ENSURE(is_ipv6(got), MLT_ERR_ENCODING);
    memcpy(host, got, sizeof(got));
    return MLT_OK;
}

static enum mlt_err parse_bracketed(struct span text, char host[static 256], uint16_t *port)
{
    uint16_t got_port = *port;
    size_t end = find(text, ']', false);
    ENSURE(end < text.n, MLT_ERR_ENCODING);
    struct span rest = span_from(text, end + 1);
    if (rest.n > 0) {
        ENSURE(rest.p[0] == ':', MLT_ERR_ENCODING);
        TRY(parse_port(span_from(rest, 1), &got_port));
    }
    TRY(parse_host(span_of(text.p + 1, end - 1), true, host));
    *port = got_port;
    return MLT_OK;
}

enum mlt_err host_port_parse(struct span text, char host[static 256], uint16_t *port)
{
    ENSURE(text.n > 0, MLT_ERR_ENCODING);
    if (text.p[0] == '[')
        return parse_bracketed(text, host, port);
    uint16_t got_port = *port;
    size_t colon = find(text, ':', true);
    if (colon < text.n)
        TRY(parse_port(span_from(text, colon + 1), &got_port));
    TRY(parse_host(span_of(text.p, colon), false, host));
    *port = got_port;
    return MLT_OK;
}

/* The next part between slashes; false where there is none. */
static bool take_part(struct span *rest, struct span *part)
{
    if (rest->n == 0 || rest->p[0] != '/')
        return false;
    struct span after = span_from(*rest, 1);
    size_t n = find(after, '/', false);
    *part = span_of(after.p, n);
    *rest = span_from(after, n);
    return true;
}

static enum mlt_err parse_invite(struct span text, struct invite *invite)
{
    ENSURE(text.n == (size_t)2 * (INVITE_ID + INVITE_TOKEN), MLT_ERR_ENCODING);
    TRY(hex_decode(span_of(text.p, (size_t)2 * INVITE_ID), invite->id, INVITE_ID));
    return hex_decode(span_from(text, (size_t)2 * INVITE_ID), invite->token, INVITE_TOKEN);
}

enum mlt_err join_url_parse(struct span text, struct join_url *url)
{
    CLEANUP(join_url_wipe) struct join_url got = { 0 };
    struct span rest = text;
    struct span part = { 0 };
    ENSURE(text.n <= JOIN_URL_MAX, MLT_ERR_ENCODING);
    ENSURE(take_prefix(&rest, span_str(scheme)), MLT_ERR_ENCODING);

    struct span authority = span_of(rest.p, find(rest, '/', false));
    rest = span_from(rest, authority.n);
    size_t at = find(authority, '@', false);
    if (at < authority.n) {
        TRY(name_parse_user(span_of(authority.p, at), &got.name));
        got.has_name = true;
        authority = span_from(authority, at + 1);
    }
    TRY(host_port_parse(authority, got.host, &got.port));
    ENSURE(got.host[0] != '\0' && got.port != 0, MLT_ERR_ENCODING);

    ENSURE(take_part(&rest, &part), MLT_ERR_ENCODING);
    TRY(hex_decode(part, got.ca_hash, sizeof(got.ca_hash)));
    if (take_part(&rest, &part)) {
        TRY(parse_invite(part, &got.invite));
        got.has_invite = true;
    }
    ENSURE(rest.n == 0, MLT_ERR_ENCODING);
    *url = got;
    return MLT_OK;
}

enum mlt_err join_url_put(const struct join_url *url, struct buf *out)
{
    ENSURE(url->host[0] != '\0' && url->port != 0, MLT_ERR_RANGE);
    TRY(buf_put_str(out, scheme));
    if (url->has_name)
        TRY(buf_put_format(out, "%s@", url->name.text));
    TRY(buf_put_format(out, "%s:%u/", url->host, url->port));
    TRY(buf_put_hex(out, SPAN_OF(url->ca_hash)));
    if (!url->has_invite)
        return MLT_OK;
    TRY(buf_put_str(out, "/"));
    TRY(buf_put_hex(out, SPAN_OF(url->invite.id)));
    return buf_put_hex(out, SPAN_OF(url->invite.token));
}

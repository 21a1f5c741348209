/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <malote/client.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "client/dial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* What is shown is safe to be shown, needs the room it says, and no more than the header does. */
static void check_safe_text(const uint8_t *data, size_t n, unsigned flags)
{
    size_t room = 0;
    must(mlt_safe_text(data, n, flags, NULL, &room) == MLT_ERROR_NOSPACE);
    must(room >= 1 && room <= 6 * n + 1);
    CLEANUP(buf_clear) struct buf out = { 0 };
    uint8_t *at = NULL;
    must(buf_extend(&out, room, &at) == MLT_OK);
    must(mlt_safe_text(data, n, flags, (char *)at, &room) == MLT_ERROR_NONE);
    must(room == out.len && at[room - 1] == '\0' && mlt_is_text(at, room - 1));
    for (size_t i = 0; i + 1 < room; i++)
        must(at[i] >= 0x20 || (flags != 0 && (at[i] == '\n' || at[i] == '\t')));
}

/* An address that is read is shown as one that is read as the same. */
static void check_address(const char *text)
{
    struct dial_address address;
    struct dial_address again;
    char shown[DIAL_DETAIL];
    if (dial_numeric(text, 6256, &address) != MLT_OK)
        return;
    must(mlt_is_text(text, strlen(text)));
    dial_describe(&address, "x", shown);
    char *start = shown + (shown[0] == '[');
    char *end = strstr(shown, shown[0] == '[' ? "]:6256: x" : ":6256: x");
    must(end != NULL);
    *end = '\0';
    must(dial_numeric(start, 6256, &again) == MLT_OK && again.family == address.family);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char name[MLT_NAME_SIZE] = "";
    char again[MLT_NAME_SIZE] = "";
    CLEANUP(alloc_free_text) char *text = NULL;
    CLEANUP(buf_clear) struct buf copy = { 0 };
    const char *terminated = NULL;
    must(buf_put(&copy, span_of(data, n)) == MLT_OK && buf_text(&copy, &terminated) == MLT_OK);
    must(alloc_text(terminated, &text) == MLT_OK); /* its end is where the sanitizer sees it */
    if (mlt_check_url(text, name) == MLT_ERROR_NONE && name[0] != '\0')
        must(mlt_check_name(name) == MLT_ERROR_NONE);
    if (mlt_check_name(text) == MLT_ERROR_NONE)
        must(strlen(text) < MLT_NAME_SIZE && mlt_check_url(text, again) != MLT_ERROR_NONE);
    check_address(text);
    check_safe_text(data, n, 0);
    check_safe_text(data, n, MLT_TEXT_LINES);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_COMEBACK_H
#define MALOTE_CLIENT_COMEBACK_H

#include "client/event.h"

/* Whether a client that lost its session tries again, and when. */
struct comeback {
    const struct env *env;
    bool is_in; /* since login_ms, on the clock of env_mono_ms */
    int64_t login_ms;
    int64_t pause_ms; /* before the next try */
};

/* The pauses begin anew once this session has lasted: a server that ends each as it begins is not
 * asked faster for it. */
void comeback_logged_in(struct comeback *c);

/* Whatever may be different in a moment; anything else would only repeat itself. */
bool comeback_is_possible(const struct client_event *why);

/* Nobody was there: he may have moved. */
bool comeback_needs_look_up(const struct client_event *why);

/* How long to wait; the next pause is longer. */
int64_t comeback_pause_ms(struct comeback *c, const struct client_event *why);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_REQUESTS_OF_NET_H
#define MALOTE_TESTS_UNIT_REQUESTS_OF_NET_H

#include "requests_world.h"

/* What a net that was taken over asks for, good and bad by turns; each answer is judged by the
 * model. */

void ask_enrol(struct world *w);
void ask_renew(struct world *w);
void ask_server(struct world *w);
/* As many as it can get: the hour's ration, and not one more. */
void flood_server_requests(struct world *w);
void say_nonsense(struct world *w);

#endif

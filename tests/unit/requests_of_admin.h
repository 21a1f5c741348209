/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_REQUESTS_OF_ADMIN_H
#define MALOTE_TESTS_UNIT_REQUESTS_OF_ADMIN_H

#include "requests_world.h"

/* What the administrator does meanwhile, whom net cannot play; and time. */

void approve(struct world *w);
void take_back(struct world *w);
void let_renew(struct world *w);
void let_time_pass(struct world *w);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_REQUESTS_LEDGER_H
#define MALOTE_TESTS_UNIT_REQUESTS_LEDGER_H

#include "requests_world.h"

/* Every certificate and list has its leaf (PROTOCOL.md 10, taken apart here), every leaf its place,
 * and there is no certificate but what came back. */
void check_ledger(struct world *w);

#endif

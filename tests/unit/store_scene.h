/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_STORE_SCENE_H
#define MALOTE_TESTS_STORE_SCENE_H

#include "client/store.h"
#include "pair.h"

/* One client's store in a home of its own; setup and teardown of each test. */

extern struct home home;
extern struct pair_env clock_now;
extern struct store *store;

int store_scene_begin(void **state);
/* Fails if there is more in the home than the store's own files. */
int store_scene_end(void **state);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_REASON_H
#define MALOTE_CMD_MALOTE_CA_REASON_H

#include <stdbool.h>

#include "pki/crl.h"

/* The reasons of a revocation as words: key-compromise and so on. */

/* False for a word that is none. */
bool reason_take(const char *word, enum crl_reason *reason);

const char *reason_word(enum crl_reason reason);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_ending.h"

#include <stddef.h>

#include "base/attr.h"

static const int all[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/* What is ignored and held would wait all the same. */
static void find(sigset_t *set)
{
    struct sigaction now;
    sigemptyset(set);
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (sigaction(all[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(set, all[i]);
    }
}

void ending_hold(sigset_t *before)
{
    sigset_t set;
    find(&set);
    sigprocmask(SIG_BLOCK, &set, before);
}

bool ending_waits(void)
{
    sigset_t set, pending, both;
    find(&set);
    return sigpending(&pending) == 0 && sigandset(&both, &set, &pending) == 0 &&
           !sigisemptyset(&both);
}

void ending_let_in(const sigset_t *before)
{
    sigprocmask(SIG_SETMASK, before, NULL);
}

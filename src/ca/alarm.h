/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_ALARM_H
#define MALOTE_CA_ALARM_H

#include "base/buf.h"
#include "ipc/admin.h"

/* What the administrator has to look at: one line each, said by malote-ca and in the log. */

struct ca;

/* Part of struct ca: what was logged when, on the monotonic clock. */
struct alarm_log {
    bool any;
    int64_t said_ms;      /* all but the next */
    int64_t said_root_ms; /* that the root ends: for months, and so only once a day */
};

struct alarm {
    enum admin_alarm kind;
    int64_t since_s; /* 0: not known */
    struct span text;
};

struct alarm_visit {
    enum mlt_err (*on_alarm)(void *ctx, const struct alarm *alarm);
    void *ctx;
};

MUST_CHECK enum mlt_err alarm_each(struct ca *ca, const struct alarm_visit *visit);

/* For the loop: how long until alarm_tick has something to do, and that. */
int alarm_timeout(const struct ca *ca);
void alarm_tick(struct ca *ca);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_NAME_SERVER_H
#define MALOTE_TESTS_UNIT_NAME_SERVER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A name server on a loopback port in the test's own thread, which every resolver of this program
 * asks instead of those of /etc/resolv.conf.
 */
struct name_server {
    int fd;
    uint16_t port;
    bool is_mute;       /* hears and says nothing */
    bool knows_nothing; /* "no such name" for every question */
    const char *lies;   /* these bytes (a text) instead of an answer */
    unsigned questions;
};

/* One at a time. */
void name_server_start(struct name_server *s);
void name_server_stop(struct name_server *s);

/* Answers what has come: 127.0.0.1 for every name. */
void name_server_turn(struct name_server *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SIM_LINE_H
#define MALOTE_TESTS_SIM_LINE_H

#include <sys/queue.h>

#include "relay/router.h"
#include "wire/renew.h"

/* A connection.  Records arrive in order, later; what is on its way when it is cut is lost, or what
 * went to the server arrives all the same, after the client has given it up. */

struct process;

enum sim_record_kind {
    SIM_LOGIN = 1,
    SIM_WELCOME,
    SIM_SEND,
    SIM_DELIVER,
    SIM_OUTCOME,
    SIM_RECEIPT,
    SIM_NOTED,
    SIM_CLOSE,
    SIM_RENEW,
    SIM_RENEWED
};

struct sim_record {
    struct sim_record *next;
    int64_t at;
    enum sim_record_kind kind;
    enum client_auth_kind login;
    enum close_reason close;
    struct envelope e; /* of its body only the length counts */
    uint64_t index;    /* the body's message */
    struct outcome outcome;
    struct receipt receipt;
    struct noted noted;
    /* of a fleet */
    uint64_t generation;    /* LOGIN, RENEW, RENEWED: whose certificate, fleet.h */
    struct renewed renewed; /* RENEWED; of WELCOME the first two */
};

struct sim_pipe {
    struct sim_record *first, *last;
    size_t count;
    int64_t last_at;
    bool swallows; /* whatever is put in is gone */
    bool planned;  /* somebody looks when the first arrives */
};

struct line {
    struct line *next;        /* of all */
    TAILQ_ENTRY(line) opened; /* of those the server has open */
    struct process *client;   /* NULL: it has hung up, or was told that it is gone */
    bool server;              /* the server has it open */
    struct route *route;
    unsigned person;
    uint64_t server_life;
    uint64_t generation; /* of the certificate its session stands on */
    bool only_renews;    /* Welcome *renew* */
    bool renews;         /* a RENEW is not answered */
    struct sim_pipe up, down;
};

struct line *line_open(struct process *client, unsigned person);
void line_clear_all(void);

/* Each copies the record. */
void line_up(struct line *line, const struct sim_record *record);
void line_down(struct line *line, const struct sim_record *record);

/* What has arrived and was not taken: looks again (a client that paused). */
void line_look(struct line *line);

/* How a line ends without a word. */
enum line_end {
    LINE_CUT,       /* both learn of it soon; what is on its way is lost */
    LINE_LATE,      /* the client learns of it, the server gets what was sent, and learns later */
    LINE_HALF,      /* the server learns of it, the client later */
    LINE_SWALLOWED, /* nobody does until the silence is too long */
    LINE_ENDS
};
void line_break(struct line *line, enum line_end how);

/* One side has hung up, having said what it wanted. */
void line_client_hangs_up(struct line *line);
void line_server_hangs_up(struct line *line);
/* Its process is gone, and with it its end of all lines. */
void line_server_dies(void);

/* The server has opened it, or has it no longer. */
void line_note_server(struct line *line, bool open);
size_t line_open_count(void); /* at the server */

#endif

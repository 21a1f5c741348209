/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_H
#define MALOTE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * libmalote: a client of the malote relay, inside a program of yours (the host).
 *
 * A handle is a machine that the host drives.  It has no thread, no loop and no callback:
 *
 *     mlt_open, mlt_load                      one identity in its directory (the home)
 *     mlt_connect                             starts; nothing has been waited for
 *     poll mlt_fd for mlt_want, at most mlt_timeout_ms
 *     mlt_process                             works as far as it can without the network
 *     mlt_next_event until there is none      what happened
 *     mlt_leave, then on until mlt_is_over    says goodbye
 *     mlt_close
 *
 * A message is handed in with mlt_send at any time, connected or not, and kept until its fate is
 * known.  No call waits for the network or for a name to be looked up.  A call may wait for the
 * disk, and for other processes to leave the home's database (20 s at most); mlt_process computes
 * for some milliseconds during a handshake.  Calls that compute longer say so.
 *
 * Threads: a handle is used by one thread at a time; different handles at the same time by
 * different threads.  After fork(2) the child leaves the parent's handles alone.
 *
 * Memory: what a function returns is the library's.  It stays valid as long as the comment says
 * and is never freed by the host.  What the host passes in is read during the call and copied;
 * secrets go to locked memory, and the host wipes its own copy.  Pointers may be NULL only where it
 * is said.
 *
 * Text is UTF-8 and NUL-terminated unless a length stands beside it.  Names are ASCII.  Times are
 * milliseconds since 1970 (_ms) or seconds since 1970 (_s).  Texts from others (message bodies)
 * are as they were sent: show them to a terminal through mlt_safe_text only.
 *
 * The process: the library writes nothing to stdout or stderr, changes no signal, locale, umask,
 * working directory or environment, and ends no process.  What it shares between handles is filled
 * once, by the first mlt_open: the algorithms of libcrypto, and its locked heap.  A host that
 * wants its own openssl.cnf or heap initialises libcrypto first (OPENSSL_init_crypto,
 * CRYPTO_secure_malloc_init).  Each call leaves libcrypto's error queue of its thread as it was.
 * Variables read: MALOTE_HOME, XDG_DATA_HOME and HOME by mlt_find_home, and by the resolver
 * LOCALDOMAIN, RES_OPTIONS and HOSTALIASES.  A host that keeps secrets forbids core dumps itself
 * (PR_SET_DUMPABLE, RLIMIT_CORE).
 *
 * Growth: numbers never change their meaning, new ones are added.  Structures begin with their
 * size; MLT_..._INIT fills in that field and zeroes.  A size below that of the first version, 0
 * among them, is MLT_ERROR_USAGE; fields that an older host does not know are as if zero, and those
 * that are newer than the library are ignored.  Treat an unknown event, outcome or reason as what
 * its group says, and an unknown error by mlt_error_blame.
 */

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MLT_PUBLIC __attribute__((visibility("default")))
#define MLT_CHECK  __attribute__((visibility("default"), warn_unused_result))
#else
#define MLT_PUBLIC
#define MLT_CHECK
#endif

/* "0.1.0", of the library that runs; static storage. */
MLT_PUBLIC const char *mlt_version(void);

/* ---- errors ---- */

/* What a function returns: 0, or what went wrong. */
enum mlt_error {
    MLT_ERROR_NONE = 0,

    /* in an event: the server, or whoever stands between */
    MLT_ERROR_TRUNCATED = 100,
    MLT_ERROR_TRAILING = 101,
    MLT_ERROR_RANGE = 102, /* of mlt_send: a body beyond MLT_BODY_MAX */
    MLT_ERROR_UNEXPECTED = 103,
    MLT_ERROR_VERSION = 104,
    MLT_ERROR_GROUP = 105,
    MLT_ERROR_DH_VALUE = 106,
    MLT_ERROR_AUTH = 107,
    MLT_ERROR_REKEY = 108,
    MLT_ERROR_NAME = 109,     /* of a call: not a name */
    MLT_ERROR_ENCODING = 110, /* of a call: not a join URL */
    MLT_ERROR_CERT_PROFILE = 111,
    MLT_ERROR_CERT_FOREIGN = 112,
    MLT_ERROR_CERT_SIGNATURE = 113,
    MLT_ERROR_CERT_ROLE = 114,
    MLT_ERROR_CERT_EXPIRED = 115,
    MLT_ERROR_CERT_NOT_YET = 116,
    MLT_ERROR_CERT_REVOKED = 117,
    MLT_ERROR_PIN = 118, /* its CA is not the one of the join URL */
    MLT_ERROR_REQUEST = 119,
    MLT_ERROR_PROOF = 120,
    MLT_ERROR_ALERT = 121,   /* it ended the connection: mlt_event_alert */
    MLT_ERROR_CUT = 122,     /* the connection ended without a goodbye */
    MLT_ERROR_TIMEOUT = 123, /* it fell silent */
    MLT_ERROR_REFUSED = 124,
    MLT_ERROR_TOO_MANY = 125,      /* of mlt_send: MLT_OUTBOX_MAX messages wait to be sent */
    MLT_ERROR_STALE = 126,         /* its revocation list is too old */
    MLT_ERROR_LEDGER = 127,        /* its CA contradicts itself: mlt_event_alarm */
    MLT_ERROR_CRL = 128,           /* its revocation list: outside the profile, */
    MLT_ERROR_CRL_FOREIGN = 129,   /* another CA's, */
    MLT_ERROR_CRL_SIGNATURE = 130, /* or not signed by it */
    MLT_ERROR_NOT_DUE = 131,       /* it wants a renewal signed that is not due */

    /* this machine */
    MLT_ERROR_NOMEM = 200,
    MLT_ERROR_NOSPACE = 201, /* the room given is too small */
    MLT_ERROR_SYSTEM = 202,  /* errno, or mlt_event_errno, tells */
    MLT_ERROR_CRYPTO = 203,
    MLT_ERROR_DATABASE = 204,
    MLT_ERROR_NEWER = 205, /* written by a later malote */
    MLT_ERROR_DAMAGED = 206,
    MLT_ERROR_PASSPHRASE = 207,
    MLT_ERROR_PERMISSION = 208, /* a file of the home is not private */
    MLT_ERROR_MISSING = 209,
    MLT_ERROR_EXISTS = 210,
    MLT_ERROR_LOCKED = 211,
    MLT_ERROR_UNREACHABLE = 212,
    MLT_ERROR_SANDBOX = 213,
    MLT_ERROR_UNKNOWN_HOST = 214, /* no address known; see mlt_set_addresses */
    MLT_ERROR_CLOCK = 215,        /* this clock or the CA's is wrong: mlt_event_signed_s */
    MLT_ERROR_STOPPED = 216,      /* of a CA on this machine: it issues nothing */

    /* a mistake of the host */
    MLT_ERROR_USAGE = 300,
    MLT_ERROR_STATE = 301
};

enum mlt_blame {
    MLT_BLAME_NOBODY = 0,
    MLT_BLAME_SERVER = 1, /* it, or who stands between, did not do as agreed */
    MLT_BLAME_LOCAL = 2,  /* this machine: files, disk, memory, network */
    MLT_BLAME_CALLER = 3  /* the host, or what its user typed */
};

/* One line in English, for people; static storage, never NULL. */
MLT_PUBLIC const char *mlt_error_text(enum mlt_error error);

/*
 * Whose fault the error of an event is.  The same number from a call may have another cause:
 * MLT_ERROR_NAME, MLT_ERROR_ENCODING, MLT_ERROR_RANGE and MLT_ERROR_TOO_MANY, where the comment of
 * that call names them, speak of what it was given, and are the caller's whatever is said here.
 */
MLT_PUBLIC enum mlt_blame mlt_error_blame(enum mlt_error error);

/* ---- the home and its identity ---- */

#define MLT_NAME_SIZE   33    /* a user name and its NUL */
#define MLT_ID_SIZE     16    /* a message id, bytes */
#define MLT_BODY_MAX    65536 /* bytes of one message; a server may take less */
#define MLT_SEND_WINDOW 64    /* messages on their way at once, in one connection */
#define MLT_OUTBOX_MAX  10000 /* messages that wait to be sent, of one home */

struct mlt_client; /* the handle */

/*
 * Which directory: `home` unless NULL, else $MALOTE_HOME, else $XDG_DATA_HOME/malote, else
 * $HOME/.local/share/malote.  MLT_ERROR_MISSING when none is set, MLT_ERROR_NOSPACE when the path
 * and its NUL need more than `room` bytes.
 */
MLT_CHECK enum mlt_error mlt_find_home(const char *home, char *path, size_t room);

enum mlt_open_flag { MLT_OPEN_CREATE = 1 }; /* makes the directory, 0700, if it is not there */

/*
 * A handle on the home (NULL: where mlt_find_home finds it).  `flags` is a set of enum
 * mlt_open_flag.  MLT_ERROR_MISSING without MLT_OPEN_CREATE, MLT_ERROR_PERMISSION when the
 * directory is not the caller's and closed to others.  *client is the host's, for mlt_close.
 */
MLT_CHECK enum mlt_error mlt_open(const char *home, unsigned flags, struct mlt_client **client);

/* Hangs up without a goodbye, wipes, releases; *client is NULL then.  NULL is taken. */
MLT_PUBLIC void mlt_close(struct mlt_client **client);

/* Absolute, without symbolic links; as long as the handle. */
MLT_PUBLIC const char *mlt_home(const struct mlt_client *client);

enum mlt_state {
    MLT_STATE_EMPTY = 0, /* no identity, or none looked at yet */
    MLT_STATE_JOINING = 1,
    MLT_STATE_PENDING = 2, /* the administrator has to approve */
    MLT_STATE_JOINED = 3
};

/* Reads whose home this is, but no key: mlt_state, mlt_name, mlt_host and mlt_port hold then.
 * An empty home is no error. */
MLT_CHECK enum mlt_error mlt_look(struct mlt_client *client);

/* Whether the private key lies under a passphrase.  MLT_ERROR_MISSING when there is no key. */
MLT_CHECK enum mlt_error mlt_key_is_protected(struct mlt_client *client, bool *is_protected);

/*
 * Loads the identity and checks that its parts belong together.  `passphrase` is NULL for a key
 * without one; with one this computes for half a second and takes 128 MiB.  MLT_ERROR_MISSING when
 * nobody joined from here, MLT_ERROR_PASSPHRASE when one is missing or wrong.  An expired
 * certificate is no error: see mlt_not_after_s.  A connection with it is worth a try, for a CA
 * renews it within its grace.  MLT_ERROR_STATE while connected, or while events
 * wait to be taken.
 */
MLT_CHECK enum mlt_error mlt_load(struct mlt_client *client, const void *passphrase, size_t n);

/*
 * Facts.  Texts are valid as long as the handle and change when the identity does (mlt_look,
 * mlt_load, mlt_join, mlt_process); "" and 0 until they are known.  From mlt_look on: state, name,
 * host, port, CA fingerprint, group.  From mlt_load on: the key's fingerprint.  Once joined: the
 * rest.  Fingerprints are 64 hexadecimal digits (SHA-256 of the public key), serials 32.
 */
MLT_PUBLIC enum mlt_state mlt_state(const struct mlt_client *client);
MLT_PUBLIC const char *mlt_name(const struct mlt_client *client);
MLT_PUBLIC const char *mlt_host(const struct mlt_client *client);
MLT_PUBLIC unsigned mlt_port(const struct mlt_client *client);
MLT_PUBLIC const char *mlt_minimum_group(const struct mlt_client *client);
MLT_PUBLIC const char *mlt_ca_fingerprint(const struct mlt_client *client);
MLT_PUBLIC const char *mlt_key_fingerprint(const struct mlt_client *client);
MLT_PUBLIC const char *mlt_realm(const struct mlt_client *client);
MLT_PUBLIC const char *mlt_serial(const struct mlt_client *client);
MLT_PUBLIC int64_t mlt_not_before_s(const struct mlt_client *client);
MLT_PUBLIC int64_t mlt_not_after_s(const struct mlt_client *client);
/* From when on a connection renews the certificate, by itself; it may take its time. */
MLT_PUBLIC int64_t mlt_renewal_s(const struct mlt_client *client);

/* ---- what is known of the CA ---- */

/* How the CA, or a server that plays it, contradicted what this home had seen of its ledger. */
enum mlt_alarm {
    MLT_ALARM_NONE = 0,
    MLT_ALARM_FORKED = 1,    /* another root for the size that is held */
    MLT_ALARM_WENT_BACK = 2, /* a shorter ledger than the one that is held, or an earlier epoch */
    MLT_ALARM_UNPROVEN = 3   /* no proof, or a wrong one, that the ledger held is within it */
};

/* Kept in the home, and the same for all its processes. */
struct mlt_authority {
    size_t size;
    uint64_t crl_number; /* the newest revocation list applied; 0: none yet */
    int64_t crl_this_update_s;
    int64_t crl_next_update_s;
    uint64_t revoked;       /* serials held as revoked */
    uint64_t ledger_size;   /* of the head that is held; 0: none yet */
    int64_t ledger_epoch_s; /* when the CA was set up, or restored last */
    int64_t ledger_time_s;  /* when that head was signed */
    int64_t proven_s;       /* when a head was last proven to hold what was held before; 0: never */
    int64_t unproven_s;     /* since when a newer one waits for its proof; 0: none does */
    int64_t newest_s;       /* the newest time the CA signed; this machine's clock ran behind it? */
    enum mlt_alarm alarm;   /* the last one */
    int64_t alarm_s;        /* when; 0: never */
};

#define MLT_AUTHORITY_INIT                                                                         \
    {                                                                                              \
        sizeof(struct mlt_authority), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, MLT_ALARM_NONE, 0              \
    }

/* Needs no mlt_load and no connection; opens the database as mlt_open_store does. */
MLT_CHECK enum mlt_error mlt_get_authority(struct mlt_client *client,
                                           struct mlt_authority *authority);

/*
 * For a user who says that the clock is right now: a newest_s that lies ahead of it is forgotten,
 * and *was_s says what it was (0: it did not lie ahead, and nothing changed).  As
 * mlt_get_authority.
 */
MLT_CHECK enum mlt_error mlt_accept_clock(struct mlt_client *client, int64_t *was_s);

/* ---- joining ---- */

#define MLT_URL_MAX 600 /* bytes of a join URL */

enum mlt_group {
    MLT_GROUP_DEFAULT = 0, /* ffdhe3072 */
    MLT_GROUP_FFDHE2048 = 1,
    MLT_GROUP_FFDHE3072 = 2,
    MLT_GROUP_FFDHE4096 = 3
};

struct mlt_membership {
    size_t size;
    const char *url;              /* malote://..., white space around it is skipped */
    const char *name;             /* NULL: the one the invite is bound to */
    unsigned key_bits;            /* 2048, 3072, 4096; 0: 2048 */
    enum mlt_group minimum_group; /* of the server, from now on */
};

#define MLT_MEMBERSHIP_INIT                                                                        \
    {                                                                                              \
        sizeof(struct mlt_membership), NULL, NULL, 0, MLT_GROUP_DEFAULT                            \
    }

/* Is this a join URL?  `name` gets the name its invite is bound to, or "".  MLT_ERROR_ENCODING,
 * MLT_ERROR_NAME. */
MLT_CHECK enum mlt_error mlt_check_url(const char *url, char name[MLT_NAME_SIZE]);

/* May a person be called so?  [a-z0-9]+([._-][a-z0-9]+)*, at most 32, not reserved. */
MLT_CHECK enum mlt_error mlt_check_name(const char *name);

/* What mlt_join would find in the home. */
enum mlt_join_plan {
    MLT_PLAN_NEW = 0,
    MLT_PLAN_TAKE_UP = 1,           /* an interrupted join goes on, with the key it made */
    MLT_PLAN_TAKE_UP_PROTECTED = 2, /* the same, and that key needs its passphrase */
    MLT_PLAN_JOINED = 3,            /* mlt_join: MLT_ERROR_EXISTS */
    MLT_PLAN_WAITS = 4              /* for approval under another name or CA: MLT_ERROR_EXISTS */
};

/*
 * Looks, and locks the home until mlt_close, so that the plan holds.  MLT_ERROR_LOCKED when
 * another process joins from here, MLT_ERROR_USAGE for a name that is not the invite's, or none,
 * MLT_ERROR_ENCODING and MLT_ERROR_NAME as for mlt_check_url, MLT_ERROR_STATE as for mlt_load.
 */
MLT_CHECK enum mlt_error mlt_plan_join(struct mlt_client *client,
                                       const struct mlt_membership *wanted,
                                       enum mlt_join_plan *plan);

/*
 * Makes the key and writes it, under `passphrase` unless that is NULL, or takes up the one of an
 * interrupted join; then mlt_connect with MLT_KIND_JOIN asks the server.  Computes: a new key for
 * 0.1 to 3 s, a passphrase for half a second.  Errors as for mlt_plan_join and mlt_load.
 */
MLT_CHECK enum mlt_error mlt_join(struct mlt_client *client, const struct mlt_membership *wanted,
                                  const void *passphrase, size_t n);

/* ---- a connection ---- */

enum mlt_kind {
    MLT_KIND_JOIN = 1,    /* asks for the certificate; says goodbye after the answer */
    MLT_KIND_RECEIVE = 2, /* receives and sends; one per identity, the newest wins */
    MLT_KIND_SEND = 3     /* sends only; any number at once */
};

/*
 * comes_back: once it has been logged in, a connection that ends is begun anew by itself, after
 * mlt_event_retry_ms.  Before the first login nothing is tried again, and what would only repeat
 * itself ends it for good (retry_ms -1): the closes DONE, REPLACED and REVOKED, a refusal, a server
 * or a ledger that is not trusted, a clock that is wrong, a failure of this machine other than a
 * disk that is full or busy.
 *
 * tells_read: whoever asked for it (wants_read) is told when mlt_shown was called for his message.
 * Best effort: that notice may get lost, the message does not.
 *
 * A connection of either kind sends what waits in the outbox of this home, whichever process put
 * it there, and hears what became of it.
 *
 * It also renews the certificate when that is due, keeps the list of what the CA has revoked, and
 * has the CA's ledger proven to go on from what the home has seen of it; mlt_leave waits a moment
 * for answers of that kind.
 */
struct mlt_connection {
    size_t size;
    enum mlt_kind kind;
    bool comes_back;
    const char *only; /* NULL, or: no messages but this sender's */
    bool tells_read;
};

#define MLT_CONNECTION_INIT                                                                        \
    {                                                                                              \
        sizeof(struct mlt_connection), MLT_KIND_RECEIVE, false, NULL, false                        \
    }

/*
 * Starts towards the server.  Whatever goes wrong from here on is an event.  May be called again
 * when the connection is over.  MLT_ERROR_STATE when the identity is not loaded, does not fit the
 * kind, is connected, or when events wait to be taken; MLT_ERROR_LOCKED when another process joins
 * from this home; MLT_ERROR_NAME when `only` is none; errors of the database as for mlt_open_store.
 */
MLT_CHECK enum mlt_error mlt_connect(struct mlt_client *client,
                                     const struct mlt_connection *connection);

/*
 * The server's addresses, for a host that has looked its name up itself: numeric, IPv4 or IPv6
 * (with %scope), tried in this order with mlt_port.  They serve until replaced; none (count 0)
 * gives the work back to the library, which asks /etc/hosts and the name servers of
 * /etc/resolv.conf, and nothing else of nsswitch.conf.  MLT_ERROR_USAGE for anything but
 * addresses, MLT_ERROR_TOO_MANY beyond 16, MLT_ERROR_STATE before mlt_port is known.
 */
MLT_CHECK enum mlt_error mlt_set_addresses(struct mlt_client *client, const char *const *addresses,
                                           size_t count);

/* To be polled; -1 while there is no connection.  May change with every call.  For select() it has
 * to be below FD_SETSIZE, which the host checks. */
MLT_PUBLIC int mlt_fd(const struct mlt_client *client);

enum mlt_want { MLT_WANT_NOTHING = 0, MLT_WANT_READ = 1, MLT_WANT_WRITE = 2 };

/* For what: a set of enum mlt_want. */
MLT_PUBLIC unsigned mlt_want(const struct mlt_client *client);

/* Milliseconds after which mlt_process is due even if nothing moved; -1: never. */
MLT_PUBLIC int mlt_timeout_ms(const struct mlt_client *client);

/* Does what can be done now.  Does nothing while events wait to be taken. */
MLT_PUBLIC void mlt_process(struct mlt_client *client);

MLT_PUBLIC bool mlt_is_logged_in(const struct mlt_client *client);

/* Nothing will happen any more, or nothing has begun. */
MLT_PUBLIC bool mlt_is_over(const struct mlt_client *client);

/* Eight digits that both sides log, "--------" before there was a connection.  Valid as long as
 * the handle; changes with mlt_process. */
MLT_PUBLIC const char *mlt_connection_id(const struct mlt_client *client);

/* Where and why the last attempt to connect failed ("[::1]:6256: Connection refused"), or "".
 * Valid as long as the handle; changes with mlt_connect and mlt_process. */
MLT_PUBLIC const char *mlt_detail(const struct mlt_client *client);

/* Takes leave: go on until mlt_is_over, a second at most. */
MLT_PUBLIC void mlt_leave(struct mlt_client *client);

/* ---- events ---- */

/*
 * A connection that was answered ISSUED, PENDING or REFUSED takes leave by itself: CLOSED (DONE)
 * follows within a second, and mlt_is_over then.
 *
 * A MESSAGE may come before LOGGED_IN: those that an earlier run has not shown come first, and
 * whatever came and was not shown comes anew after each LOGGED_IN.  A host that answers messages
 * may do so at any time: the answer is kept and sent when it can be.  A message whose answer
 * mlt_send does not take (MLT_ERROR_TOO_MANY) it leaves unshown, and calls mlt_again once OUTCOMEs
 * have made room.
 *
 * An OUTCOME is a change of what became of a message of ours, by whichever process of this home or
 * earlier run it was put; it is on disk when it is told.  Those with MLT_OUTCOME_WAITING say that
 * the message stays in the outbox, and why: mlt_event_why, or mlt_event_error when the connection
 * was lost before the server answered (MLT_ERROR_CUT ...), or when it has not answered for 90 s
 * (MLT_ERROR_TIMEOUT); then the connection ends as well, MLT_CLOSED_AGAIN.
 */
enum mlt_event_kind {
    MLT_EVENT_NONE = 0,
    MLT_EVENT_LOGGED_IN = 1,    /* what waits is sent from now on */
    MLT_EVENT_ISSUED = 2,       /* the certificate is in the home; over? see mlt_not_after_s */
    MLT_EVENT_PENDING = 3,      /* an administrator has to approve mlt_key_fingerprint: retry_ms */
    MLT_EVENT_REFUSED = 4,      /* refusal */
    MLT_EVENT_MESSAGE = 5,      /* peer, id, time, body, row, epoch, number, gap; then mlt_shown */
    MLT_EVENT_OUTCOME = 6,      /* peer, id, outcome, why, error */
    MLT_EVENT_CLOSED = 7,       /* the session ended as announced: closed, retry_ms */
    MLT_EVENT_LOST = 8,         /* it ended otherwise: error, errno, alert, retry_ms */
    MLT_EVENT_RENEWED = 9,      /* a new certificate is in the home: mlt_not_after_s */
    MLT_EVENT_NOT_RENEWED = 10, /* it was refused, told once a connection: refusal */
    MLT_EVENT_RESTORED = 11, /* the CA was restored from a backup, told once: mlt_event_restored */
    MLT_EVENT_CLOCK = 12,    /* it is behind the CA, by less than an hour, told once: signed, own */
    MLT_EVENT_LEAF = 13,     /* of an audit: mlt_event_leaf */
    MLT_EVENT_AUDITED = 14   /* its end: mlt_event_audit */
};

struct mlt_event; /* one event */

/* The next event; *event is NULL when there is none.  It is valid until the next mlt_next_event or
 * mlt_close.  Fails only on the database; the event is not lost then, and asked for again by a call
 * that comes a second later: mlt_timeout_ms counts it. */
MLT_CHECK enum mlt_error mlt_next_event(struct mlt_client *client, const struct mlt_event **event);

/* Each may be asked of any event, and says 0, NULL or "" where it has nothing to say. */
MLT_PUBLIC enum mlt_event_kind mlt_event_kind(const struct mlt_event *event);
MLT_PUBLIC enum mlt_error mlt_event_error(const struct mlt_event *event);
MLT_PUBLIC int mlt_event_errno(const struct mlt_event *event); /* for MLT_ERROR_SYSTEM */

/* Until it tries again by itself (CLOSED, LOST), or the host should (PENDING); -1: never. */
MLT_PUBLIC int64_t mlt_event_retry_ms(const struct mlt_event *event);

/* Of a message: who sent it, as the server authenticated them.  Of an outcome: the recipient. */
MLT_PUBLIC const char *mlt_event_peer(const struct mlt_event *event);
MLT_PUBLIC const uint8_t *mlt_event_id(const struct mlt_event *event); /* MLT_ID_SIZE bytes */
MLT_PUBLIC int64_t mlt_event_time_ms(const struct mlt_event *event);   /* the server's clock */
/* *n bytes, with a NUL behind them that does not count; any bytes may be among them. */
MLT_PUBLIC const void *mlt_event_body(const struct mlt_event *event, size_t *n);
/* For mlt_shown. */
MLT_PUBLIC int64_t mlt_event_row(const struct mlt_event *event);
/* The place in the stream from this sender: numbers rise by one within an epoch, so gaps show. */
MLT_PUBLIC uint64_t mlt_event_epoch(const struct mlt_event *event);
MLT_PUBLIC uint64_t mlt_event_number(const struct mlt_event *event);
/* How many messages of that stream are missing before this one: refused or expired underway, or
 * dropped by who wrote them.  Where that is all before it (the number less one), nothing of the
 * stream came to this home yet, and an earlier home may have them. */
MLT_PUBLIC uint64_t mlt_event_gap(const struct mlt_event *event);

/* What is known of a message of ours.  WAITING and STORED may change, by themselves; the others are
 * final, but for better news: an answer that comes late still makes DELIVERED of EXPIRED, UNKNOWN
 * or DROPPED, and READ follows DELIVERED. */
enum mlt_outcome {
    MLT_OUTCOME_WAITING = 0,   /* kept in the outbox, to be sent (again): why */
    MLT_OUTCOME_STORED = 1,    /* kept by the server, safe against its power cut */
    MLT_OUTCOME_DELIVERED = 2, /* the recipient's client has it on disk */
    MLT_OUTCOME_REFUSED = 3,   /* they did not get it: why */
    MLT_OUTCOME_UNKNOWN = 4,   /* it was stored, and nothing was heard of it any more */
    MLT_OUTCOME_EXPIRED = 5,   /* too old, in the recipient's mailbox or in the outbox (60 days) */
    MLT_OUTCOME_READ = 6,      /* a person has seen it, says the recipient's client */
    MLT_OUTCOME_DROPPED = 7    /* mlt_drop before there was an answer */
};
enum mlt_why {
    MLT_WHY_NONE = 0,
    MLT_WHY_NO_SUCH_NAME = 1,
    MLT_WHY_AWAY = 2,
    MLT_WHY_BUSY = 3, /* it waits */
    MLT_WHY_DUPLICATE = 4,
    MLT_WHY_NO_ROOM = 5,   /* the server cannot store now: it waits */
    MLT_WHY_FULL = 6,      /* the recipient's mailbox is */
    MLT_WHY_SHARE = 7,     /* our share of it is */
    MLT_WHY_ERASED = 8,    /* the administrator erased the mailbox it lay in */
    MLT_WHY_TOO_LONG = 256 /* for this server: it was not sent */
};
MLT_PUBLIC enum mlt_outcome mlt_event_outcome(const struct mlt_event *event);
MLT_PUBLIC enum mlt_why mlt_event_why(const struct mlt_event *event);

enum mlt_refusal {
    MLT_REFUSAL_NAME_TAKEN = 1,
    MLT_REFUSAL_NAME_RESERVED = 2,
    MLT_REFUSAL_INVITE = 3, /* unknown, used, expired, or for another name */
    MLT_REFUSAL_INVITE_NEEDED = 4,
    MLT_REFUSAL_BY_ADMIN = 5,
    MLT_REFUSAL_REQUEST = 6,
    MLT_REFUSAL_EXPIRED = 7,
    MLT_REFUSAL_NOT_YET = 8,
    MLT_REFUSAL_REVOKED = 9,
    MLT_REFUSAL_BUSY = 10,
    MLT_REFUSAL_STALE = 11,   /* its revocation list is out of date, and the certificate older */
    MLT_REFUSAL_NOT_DUE = 12, /* a renewal, too early */
    MLT_REFUSAL_STOPPED = 13  /* the CA issues nothing: its administrator has to look */
};
MLT_PUBLIC enum mlt_refusal mlt_event_refusal(const struct mlt_event *event);

enum mlt_closed {
    MLT_CLOSED_DONE = 1,
    MLT_CLOSED_REPLACED = 2, /* a newer MLT_KIND_RECEIVE of the same identity */
    MLT_CLOSED_REVOKED = 3,
    MLT_CLOSED_EXPIRED = 4,
    MLT_CLOSED_SHUTDOWN = 5,
    MLT_CLOSED_SILENT = 6,
    MLT_CLOSED_SLOW = 7,
    /* The server asks for a new login, or this one cannot go on: one that comes back does so at
     * once, or after a pause if it had only just begun. */
    MLT_CLOSED_AGAIN = 8
};
MLT_PUBLIC enum mlt_closed mlt_event_closed(const struct mlt_event *event);

/* The server's parting word when the error is MLT_ERROR_ALERT; PROTOCOL.md 3.3 has the numbers. */
MLT_PUBLIC unsigned mlt_event_alert(const struct mlt_event *event);

/* Of MLT_ERROR_LEDGER. */
MLT_PUBLIC enum mlt_alarm mlt_event_alarm(const struct mlt_event *event);

/* Of CLOCK and MLT_ERROR_CLOCK: a time that the CA signed, and this machine's clock beside it. */
MLT_PUBLIC int64_t mlt_event_signed_s(const struct mlt_event *event);
MLT_PUBLIC int64_t mlt_event_own_s(const struct mlt_event *event);

/* Of RESTORED. */
struct mlt_restored {
    size_t size;
    int64_t epoch_s; /* when */
    uint64_t held;   /* entries of the ledger that this home knew of */
    uint64_t kept;   /* entries that the backup held */
    uint64_t lost;   /* of those known here, the last so many are no longer in the ledger */
};

#define MLT_RESTORED_INIT                                                                          \
    {                                                                                              \
        sizeof(struct mlt_restored), 0, 0, 0, 0                                                    \
    }

/* MLT_ERROR_STATE for another event. */
MLT_CHECK enum mlt_error mlt_event_restored(const struct mlt_event *event,
                                            struct mlt_restored *restored);

/* Of this event in English: the refusal, the close reason, what became of the message, the alert
 * or the error; static storage, never NULL. */
MLT_PUBLIC const char *mlt_event_text(const struct mlt_event *event);

/* ---- the audit ---- */

/*
 * Reads the CA's whole ledger over the connection that lasts: MLT_EVENT_LEAF for every certificate
 * that was ever issued for our name, in the order of issue, then MLT_EVENT_AUDITED, unless the
 * connection ends before.  Takes time in proportion to the ledger, never memory.  MLT_ERROR_STATE
 * unless logged in, or while another audit runs.
 */
MLT_CHECK enum mlt_error mlt_audit(struct mlt_client *client);

struct mlt_leaf {
    size_t size;
    uint64_t position; /* in the ledger, from 0 */
    int64_t time_s;    /* when it was set out to be issued */
    char serial[33];
    char key[65];      /* its fingerprint */
    bool is_own_key;   /* else: somebody else had, or has, this name */
    bool is_present;   /* it is the certificate of this home */
    bool is_before_us; /* not our key, and before our key's first: reissued to us, say */
};

#define MLT_LEAF_INIT                                                                              \
    {                                                                                              \
        sizeof(struct mlt_leaf), 0, 0, "", "", false, false, false                                 \
    }

/* MLT_ERROR_STATE for another event. */
MLT_CHECK enum mlt_error mlt_event_leaf(const struct mlt_event *event, struct mlt_leaf *leaf);

enum mlt_audit_fault {
    MLT_AUDIT_ROOT = 1,           /* the entries do not make the signed root */
    MLT_AUDIT_OTHER_KEY = 2,      /* our name was certified for another key, after ours */
    MLT_AUDIT_EARLIER_KEY = 4,    /* the same, before ours */
    MLT_AUDIT_OWN_ABSENT = 8,     /* our certificate is not in the ledger as it was issued to us */
    MLT_AUDIT_SERVER_ABSENT = 16, /* nor is the one that the server showed us */
    MLT_AUDIT_UNPROVEN = 32 /* the server was too busy to prove the head, or to give out all */
};

struct mlt_audit {
    size_t size;
    unsigned faults;    /* a set of enum mlt_audit_fault; 0: all is well */
    uint64_t leaves;    /* that were read */
    uint64_t ours;      /* certificates of our name among them */
    uint64_t of_others; /* of those, for another key */
    int64_t epoch_s;    /* of the head that the entries were held against */
    int64_t time_s;     /* when it was signed */
    char root[65];
};

#define MLT_AUDIT_INIT                                                                             \
    {                                                                                              \
        sizeof(struct mlt_audit), 0, 0, 0, 0, 0, 0, ""                                             \
    }

/* MLT_ERROR_STATE for another event. */
MLT_CHECK enum mlt_error mlt_event_audit(const struct mlt_event *event, struct mlt_audit *audit);

/* ---- messages ---- */

/*
 * Sends `n` bytes (any bytes; people expect UTF-8) and hands out the message's id, under which
 * MLT_EVENT_OUTCOME tells its fate.  The message is on disk in the outbox when this returns, and
 * stays there until its fate is final; whether there is a connection or not, it is sent by the
 * first one, of this or another process of the home, that is logged in.  Needs no mlt_load.
 * MLT_ERROR_STATE when the home has not joined (mlt_look), MLT_ERROR_NAME, MLT_ERROR_RANGE,
 * MLT_ERROR_TOO_MANY; errors of the database.  Nothing is kept then; only of a disk that fails on
 * (MLT_ERROR_SYSTEM with EIO) nobody knows, and mlt_next_waiting tells once it is well.
 */
MLT_CHECK enum mlt_error mlt_send(struct mlt_client *client, const char *recipient,
                                  const void *body, size_t n, uint8_t id[MLT_ID_SIZE]);

struct mlt_outgoing {
    size_t size;
    const char *recipient;
    const void *body;
    size_t n;
    bool wants_read; /* MLT_OUTCOME_READ, if the recipient's client tells */
};

#define MLT_OUTGOING_INIT                                                                          \
    {                                                                                              \
        sizeof(struct mlt_outgoing), NULL, NULL, 0, false                                          \
    }

/* mlt_send, with all there is to say about a message. */
MLT_CHECK enum mlt_error mlt_put(struct mlt_client *client, const struct mlt_outgoing *message,
                                 uint8_t id[MLT_ID_SIZE]);

/* A person, a pipe or the host has the message of this row: it need not come again.  Until then it
 * comes anew when a connection of MLT_KIND_RECEIVE begins, with every login of it, and when
 * mlt_again asks for it. */
MLT_CHECK enum mlt_error mlt_shown(struct mlt_client *client, int64_t row);

/*
 * Messages that came and were not shown come once more, in the order of their arrival, after the
 * events that wait.  They do from the next mlt_process on, for which mlt_timeout_ms is 0 then: a
 * loop of mlt_next_event ends even if it calls this for every message.  To call it when nothing has
 * changed is to poll in a circle; call it when there is room again, best when no message is under
 * way any more, because every message that is still unshown is read anew.  Does nothing unless a
 * connection of MLT_KIND_RECEIVE lasts.
 */
MLT_PUBLIC void mlt_again(struct mlt_client *client);

/* Opens the message database of a joined home; the calls that need it do so themselves.
 * MLT_ERROR_STATE when the home has not joined. */
MLT_CHECK enum mlt_error mlt_open_store(struct mlt_client *client);

/* Received and not shown yet, except from `except` unless that is NULL; MLT_ERROR_NAME. */
MLT_CHECK enum mlt_error mlt_count_unshown(struct mlt_client *client, const char *except,
                                           uint64_t *count);

/*
 * A message of this home, ours or theirs.  `body` has a NUL behind it that does not count; it is
 * valid until the next call that gives out a message, or mlt_close.
 */
struct mlt_message {
    size_t size;
    int64_t row;              /* rises in the order of arrival */
    char peer[MLT_NAME_SIZE]; /* recipient of ours, sender of theirs */
    bool is_ours;
    bool is_shown;   /* theirs: mlt_shown was called */
    bool wants_read; /* its sender would like to hear when it was read */
    uint8_t id[MLT_ID_SIZE];
    int64_t time_ms;    /* theirs: the server's clock; ours: when it was put, by this one's */
    int64_t changed_ms; /* ours: when `outcome` or `why` changed last, by this machine's clock */
    enum mlt_outcome outcome; /* ours */
    enum mlt_why why;
    uint64_t epoch;
    uint64_t number;
    uint64_t gap; /* theirs, as mlt_event_gap */
    const void *body;
    size_t n;
};

#define MLT_MESSAGE_INIT                                                                           \
    {                                                                                              \
        sizeof(struct mlt_message), 0, "", false, false, false, { 0 }, 0, 0, MLT_OUTCOME_WAITING,  \
            MLT_WHY_NONE, 0, 0, 0, NULL, 0                                                         \
    }

/*
 * These open the database as mlt_open_store does, and need no connection; `message` is left as it
 * is when there is none.
 */

/* History: the message that follows `after` (0: the first), in the order of arrival, both ways;
 * with this peer alone unless `peer` is NULL.  MLT_ERROR_NAME. */
MLT_CHECK enum mlt_error mlt_next_message(struct mlt_client *client, const char *peer,
                                          int64_t after, struct mlt_message *message, bool *found);

/* The outbox: the message of ours that follows `after` and is waiting, stored, or came to another
 * end than with its recipient (refused, expired, unknown) and was not dropped yet. */
MLT_CHECK enum mlt_error mlt_next_waiting(struct mlt_client *client, int64_t after,
                                          struct mlt_message *message, bool *found);

/* What is known of a message of ours. */
MLT_CHECK enum mlt_error mlt_fate(struct mlt_client *client, const uint8_t id[MLT_ID_SIZE],
                                  struct mlt_message *message, bool *found);

/* How many have still to be sent: WAITING. */
MLT_CHECK enum mlt_error mlt_count_waiting(struct mlt_client *client, uint64_t *count);

/*
 * Takes a message out of the outbox; it stays in the history.  A waiting one is not sent any more:
 * MLT_OUTCOME_DROPPED, and a gap its recipient sees; if it was under way, it may still arrive.  One
 * that the server has stored cannot be called back.  MLT_ERROR_MISSING when it is not there.
 */
MLT_CHECK enum mlt_error mlt_drop(struct mlt_client *client, const uint8_t id[MLT_ID_SIZE]);

struct mlt_contact {
    size_t size;
    char name[MLT_NAME_SIZE];
    int64_t received_ms; /* when a message of theirs came last (the server's clock); 0: never */
    int64_t reached_ms;  /* when one of ours reached them last; 0: never */
};

#define MLT_CONTACT_INIT                                                                           \
    {                                                                                              \
        sizeof(struct mlt_contact), "", 0, 0                                                       \
    }

/* The contact whose name follows `after` (NULL: the first), in the order of bytes.  *contact is
 * left as it is when there is none.  MLT_ERROR_NAME when `after` cannot be one. */
MLT_CHECK enum mlt_error mlt_next_contact(struct mlt_client *client, const char *after,
                                          struct mlt_contact *contact, bool *found);

/* ---- text from others ---- */

/* Well-formed UTF-8 without NUL. */
MLT_PUBLIC bool mlt_is_text(const void *bytes, size_t n);

enum mlt_text_flag { MLT_TEXT_LINES = 1 };

/*
 * Writes a form of these bytes that a terminal shows and does not obey: controls, bidi and other
 * format characters and bytes that are not UTF-8 become visible escapes.  With MLT_TEXT_LINES
 * newline and tab pass, and later lines are indented by two spaces.  *room is the room at `out`
 * (NULL: none), and afterwards what the text takes with its NUL, never more than 6 * n + 1.
 * MLT_ERROR_NOSPACE, and nothing written, when that is more.
 */
MLT_CHECK enum mlt_error mlt_safe_text(const void *bytes, size_t n, unsigned flags, char *out,
                                       size_t *room);

#ifdef __cplusplus
}
#endif

#endif

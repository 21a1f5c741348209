/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "ca/audit.h"
#include "ca/crl_keep.h"
#include "ca/enrol.h"
#include "ca/renew.h"
#include "chaos.h"
#include "crypto/crypto.h"
#include "crypto/kdf.h"
#include "crypto/rsa.h"
#include "people.h"
#include "pki/request.h"
#include "pki/statement.h"
#include "sim.h"

#define KEPT 8 /* certificates of a person that a record may speak of */

struct owner {
    struct fleet_certificate kept[KEPT];
    uint64_t generation; /* of the newest that the CA gave out */
    uint64_t newest;     /* of the one in the home */
};

static EVP_PKEY *keys[PEOPLE_MOST];
static struct owner owners[PEOPLE_MOST];
static unsigned owner_count;
static struct fleet_figures figures;

static struct {
    struct ca ca;
    bool is_up, healed;
    int64_t down_since_s;
    int64_t from_s; /* when this world's CA began */
} authority;

struct fleet_figures *fleet_figures(void)
{
    return &figures;
}

static int64_t now_s(void)
{
    return sim_now_ms() / 1000;
}

/* ---- certificates ---- */

static void certificate_clear(struct fleet_certificate *c)
{
    cert_clear(&c->cert);
    buf_clear(&c->der);
    buf_clear(&c->renewal);
}

static struct fleet_certificate *kept_of(unsigned person, uint64_t generation)
{
    struct owner *owner = &owners[person];
    must(generation > 0 && generation <= owner->generation);
    must(generation + KEPT > owner->generation);
    return &owner->kept[generation % KEPT];
}

const struct fleet_certificate *fleet_certificate(unsigned person, uint64_t generation)
{
    return kept_of(person, generation);
}

uint64_t fleet_newest(unsigned person)
{
    return owners[person].newest;
}

void fleet_keep(unsigned person, uint64_t generation)
{
    struct owner *owner = &owners[person];
    if (owner->newest == 0 || fleet_certificate(person, owner->newest)->cert.fields.not_after_s <
                                  fleet_certificate(person, generation)->cert.fields.not_after_s)
        owner->newest = generation;
}

static bool is_known(const struct owner *owner, struct span der, uint64_t *generation)
{
    for (uint64_t g = owner->generation; g > 0 && g + KEPT > owner->generation; g--) {
        *generation = g;
        if (span_eq(buf_span(&owner->kept[g % KEPT].der), der))
            return true;
    }
    return false;
}

/* What the CA signed: for this person and his key, from now on, for ten minutes. */
static uint64_t take_certificate(unsigned person, struct span der)
{
    struct owner *owner = &owners[person];
    const struct name name = people_name(person);
    uint8_t key_hash[HASH_LEN];
    uint64_t generation = 0;
    if (is_known(owner, der, &generation)) {
        figures.given_again++;
        return generation;
    }
    figures.issued++;
    struct fleet_certificate *c = &owner->kept[++owner->generation % KEPT];
    certificate_clear(c);
    must_ok(buf_put(&c->der, der));
    must_ok(cert_read_leaf(der, &authority.ca.cert, CERT_CLIENT, now_s(), &c->cert));
    must_ok(rsa_public_hash(keys[person], key_hash));
    must(name_eq(&c->cert.fields.name, &name));
    must(span_eq(SPAN_OF(c->cert.spki_hash), SPAN_OF(key_hash)));
    must(c->cert.fields.not_after_s == now_s() + FLEET_LIFE_S);
    must_ok(statement_sign_renewal(keys[person], &authority.ca.cert, c->cert.fields.serial,
                                   &c->renewal));
    return owner->generation;
}

/* ---- the ca process ---- */

static void open_ca(void)
{
    const struct ipc_ca_start start = { .mode = ENROL_OPEN,
                                        .kdf_cost = 1024,
                                        .ca_bits = 2048,
                                        .advertise = span_str("relay.example:6256"),
                                        .cert_life_s = FLEET_LIFE_S };
    CLEANUP(buf_clear) struct buf why = { 0 };
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    struct ipc_key_needed need;
    authority.ca = ca_none();
    must_ok(ca_open(&authority.ca, &sim.env, &start, &need, &why));
    must_ok(kdf_scrypt(span_str("passphrase"), SPAN_OF(need.salt), &need.cost, &stretched));
    must_ok(ca_unlock(&authority.ca, &stretched, &why));
    authority.is_up = true;
}

bool fleet_ca_is_up(void)
{
    return authority.is_up;
}

/* What its loop does between messages. */
static void tend(void *who, uint64_t tag)
{
    (void)who;
    (void)tag;
    if (authority.is_up) {
        if (head_timeout(&authority.ca) == 0)
            head_tick(&authority.ca);
        must_ok(crl_keep_tend(&authority.ca));
    }
    agenda_plan(&sim.agenda, 1 * SECONDS, tend, NULL, 0);
}

static void come_back(void *who, uint64_t tag);

/* Killed or stopped: what it said is on its disk either way. */
static void go_away(void *who, uint64_t tag)
{
    (void)who;
    (void)tag;
    if (authority.healed || !authority.is_up)
        return;
    if (dice_once_in(&sim.dice, 2))
        must_ok(head_sign(&authority.ca));
    ca_close(&authority.ca);
    authority.is_up = false;
    authority.down_since_s = now_s();
    figures.downs++;
    int64_t most = FLEET_LIFE_S / 2 * SECONDS;
    int64_t down =
        dice_once_in(&sim.dice, 3) ? most : (int64_t)dice_below(&sim.dice, (uint64_t)most);
    agenda_plan(&sim.agenda, down, come_back, NULL, 0);
}

/* Long enough for whoever could not renew before. */
static int64_t stay(void)
{
    return FLEET_LIFE_S / 4 * SECONDS + dice_wait(&sim.dice, chaos.ca_every);
}

static void come_back(void *who, uint64_t tag)
{
    (void)who;
    (void)tag;
    if (authority.is_up)
        return;
    uint64_t down_s = (uint64_t)(now_s() - authority.down_since_s);
    if (down_s > figures.longest_down_s)
        figures.longest_down_s = down_s;
    open_ca();
    agenda_plan(&sim.agenda, stay(), go_away, NULL, 0);
}

void fleet_ca_begin(void)
{
    agenda_plan(&sim.agenda, 0, tend, NULL, 0);
    agenda_plan(&sim.agenda, stay(), go_away, NULL, 0);
}

void fleet_ca_heal(void)
{
    authority.healed = true;
    come_back(NULL, 0);
}

/* ---- what is asked of it ---- */

static enum mlt_err ask(unsigned person, uint64_t generation, struct ipc_enrolled *answer,
                        struct buf *certificate)
{
    const struct fleet_certificate *held = fleet_certificate(person, generation);
    struct ipc_renew request = { .signature = buf_span(&held->renewal) };
    memcpy(request.serial, held->cert.fields.serial, CERT_SERIAL);
    must(authority.is_up);
    return renew_client(&authority.ca, &request, answer, certificate);
}

/* How near to the end anybody came who was not too late. */
static void note_margin(const struct cert_fields *held)
{
    int64_t left_s = held->not_after_s - now_s();
    if (left_s > 0 && left_s < figures.least_left_s)
        figures.least_left_s = left_s;
}

void fleet_renew(unsigned person, uint64_t generation, struct fleet_answer *answer)
{
    CLEANUP(buf_clear) struct buf certificate = { 0 };
    struct ipc_enrolled said = { 0 };
    must_ok(ask(person, generation, &said, &certificate));
    *answer = (struct fleet_answer) { .renewed = { .result = said.result,
                                                   .reason = said.reason,
                                                   .retry_after_s = said.retry_after_s } };
    note_margin(&fleet_certificate(person, generation)->cert.fields);
    figures.too_early += said.reason == REFUSAL_NOT_DUE;
    if (said.result == WELCOME_ISSUED)
        answer->generation = take_certificate(person, said.certificate);
}

static void enrol(unsigned person)
{
    const struct name name = people_name(person);
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf certificate = { 0 };
    struct ipc_enrolled answer;
    if (keys[person] == NULL)
        must_ok(rsa_key_new(2048, &keys[person]));
    must_ok(request_make(keys[person], &name, &request));
    const struct ipc_enrol wish = { .name = name, .request = buf_span(&request) };
    must_ok(enrol_client(&authority.ca, &wish, &answer, &certificate));
    must(answer.result == WELCOME_ISSUED);
    fleet_keep(person, take_certificate(person, answer.certificate));
}

void fleet_begin(const char *directory, unsigned people)
{
    char path[300];
    bool locked = false;
    must_ok(secret_start(&locked));
    must_ok(crypto_start());
    log_start("sim", LOG_LEVEL_ERROR);
    snprintf(path, sizeof(path), "%s/ca", directory);
    must(mkdir(path, 0700) == 0 && chdir(path) == 0);
    memset(&authority, 0, sizeof(authority));
    memset(owners, 0, sizeof(owners));
    figures = (struct fleet_figures) { .least_left_s = FLEET_LIFE_S };
    owner_count = people;
    authority.from_s = now_s();
    open_ca();
    for (unsigned i = 0; i < people; i++)
        enrol(i);
}

void fleet_clear(void)
{
    if (authority.is_up)
        ca_close(&authority.ca);
    authority.is_up = false;
    for (unsigned i = 0; i < owner_count; i++)
        for (unsigned k = 0; k < KEPT; k++)
            certificate_clear(&owners[i].kept[k]);
    owner_count = 0;
    must(chdir("/") == 0);
}

void fleet_forget_keys(void)
{
    for (unsigned i = 0; i < PEOPLE_MOST; i++)
        rsa_key_free(&keys[i]);
}

/* ---- the end ---- */

static enum mlt_err on_count(void *ctx, uint64_t n, struct span what)
{
    (void)ctx;
    sim_say("audit: %" PRIu64 " %.*s", n, (int)what.n, (const char *)what.p);
    return MLT_OK;
}

static enum mlt_err on_finding(void *ctx, struct span text)
{
    uint64_t *faults = ctx;
    ++*faults;
    sim_say("audit: %.*s", (int)text.n, (const char *)text.p);
    return MLT_OK;
}

void fleet_judge(void)
{
    uint64_t faults = 0;
    const struct audit_sink sink = { on_count, on_finding, &faults };
    must(authority.is_up);
    must_ok(head_sign(&authority.ca));
    must_ok(audit_run(&authority.ca, &sink));
    must(faults == 0);
    /* One certificate for each third of a life, and no more, however many processes ask. */
    uint64_t lives = (uint64_t)(now_s() - authority.from_s) / (FLEET_LIFE_S / 3) + 2;
    for (unsigned i = 0; i < owner_count; i++) {
        must(owners[i].generation <= lives);
        must(owners[i].newest == owners[i].generation);
    }
}

static void stand_at(int64_t s)
{
    int64_t us = (s * 1000 - sim_now_ms()) * MS;
    must(us >= 0);
    sim.agenda.now += us;
}

static void let_in_at(int64_t s, unsigned person, bool is_let_in)
{
    uint64_t held = fleet_newest(person);
    struct fleet_answer answer;
    struct ipc_enrolled said;
    CLEANUP(buf_clear) struct buf none = { 0 };
    stand_at(s);
    if (sim.plant == PLANT_GRACE_ENDS_EARLY)
        sim.agenda.now += 1 * SECONDS;
    if (sim.plant == PLANT_GRACE_ENDS_LATE)
        sim.agenda.now -= 1 * SECONDS;
    open_ca();
    if (is_let_in) {
        fleet_renew(person, held, &answer);
        must(answer.renewed.result == WELCOME_ISSUED && answer.generation > held);
    } else {
        must_ok(ask(person, held, &said, &none));
        must(said.result == WELCOME_REFUSED && said.reason == REFUSAL_EXPIRED);
    }
    ca_close(&authority.ca);
    authority.is_up = false;
}

static int64_t grace_ends_s(unsigned person)
{
    return fleet_certificate(person, fleet_newest(person))->cert.fields.not_after_s + LIMIT_GRACE_S;
}

void fleet_edge_of_grace(void)
{
    unsigned last = 0;
    ca_close(&authority.ca);
    authority.is_up = false;
    for (unsigned i = 1; i < owner_count; i++)
        last = grace_ends_s(i) > grace_ends_s(last) ? i : last;
    unsigned first = last == 0 ? 1 : 0;
    for (unsigned i = 0; i < owner_count; i++)
        first = i != last && grace_ends_s(i) < grace_ends_s(first) ? i : first;
    bool in_order = grace_ends_s(first) < grace_ends_s(last);
    if (in_order)
        let_in_at(grace_ends_s(first) + 1, first, false);
    let_in_at(grace_ends_s(last), last, true);
    if (!in_order)
        let_in_at(grace_ends_s(first) + 1, first, false);
}

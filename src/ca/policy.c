/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/policy.h"

#include "base/limits.h"

static struct policy_decision refuse(enum refusal reason)
{
    return (struct policy_decision) { POLICY_REFUSE, reason };
}

static struct policy_decision act(enum policy_action action)
{
    return (struct policy_decision) { action, REFUSAL_NONE };
}

/* A valid invite is honoured in every mode; a bad one is never made up for by the mode. */
static struct policy_decision decide_invited(const struct policy_facts *f)
{
    if (f->invite == INVITE_REFUSED)
        return refuse(REFUSAL_INVITE);
    if (f->holder == POLICY_SAME_KEY && (!f->expired || f->invite == INVITE_REPEATED))
        return act(POLICY_RETURN);
    if (f->invite == INVITE_REPEATED)
        return refuse(REFUSAL_INVITE);
    switch (f->holder) {
    case POLICY_NOBODY:
    case POLICY_SAME_KEY:
        return act(POLICY_ISSUE);
    case POLICY_WAITING:
        /* Only the invite that reissue made names this name. */
        return f->invite == INVITE_BOUND ? act(POLICY_ISSUE) : refuse(REFUSAL_NAME_TAKEN);
    case POLICY_OTHER_KEY:
    case POLICY_CLOSED:
    case POLICY_HIDDEN:
        break;
    }
    return refuse(REFUSAL_NAME_TAKEN);
}

static struct policy_decision decide_by_mode(const struct policy_facts *f)
{
    if (f->request == POLICY_REQUEST_REFUSED && f->mode != ENROL_INVITE)
        return refuse(REFUSAL_BY_ADMIN);
    switch (f->mode) {
    case ENROL_OPEN:
        return act(POLICY_ISSUE);
    case ENROL_APPROVE:
        if (f->request == POLICY_REQUEST_FULL)
            return refuse(REFUSAL_BUSY);
        return act(f->request == POLICY_REQUEST_KEPT ? POLICY_WAIT : POLICY_QUEUE);
    case ENROL_INVITE:
        break;
    }
    return refuse(REFUSAL_INVITE_NEEDED);
}

static struct policy_decision decide_uninvited(const struct policy_facts *f)
{
    /* Without an invite a stranger learns nothing, also not which names there are. */
    if (f->mode == ENROL_INVITE && f->holder != POLICY_SAME_KEY)
        return refuse(REFUSAL_INVITE_NEEDED);
    switch (f->holder) {
    case POLICY_SAME_KEY:
        /* What an ENROL earns by being said, who has heard it can say again when its owner is long
         * gone: where nobody is asked, a RENEW earns the next one, and only that. */
        return f->expired && f->mode != ENROL_OPEN ? decide_by_mode(f) : act(POLICY_RETURN);
    case POLICY_NOBODY:
        return decide_by_mode(f);
    case POLICY_OTHER_KEY:
    case POLICY_WAITING:
    case POLICY_CLOSED:
    case POLICY_HIDDEN:
        break;
    }
    /* A name never moves to another key but by reissue. */
    return refuse(REFUSAL_NAME_TAKEN);
}

struct policy_decision policy_enrol(const struct policy_facts *f)
{
    if (f->reserved)
        return refuse(REFUSAL_NAME_RESERVED);
    if (f->key_revoked)
        return refuse(REFUSAL_REVOKED);
    if (f->key_elsewhere)
        return refuse(REFUSAL_REQUEST);
    return f->has_invite ? decide_invited(f) : decide_uninvited(f);
}

/* ---- renewal ---- */

struct policy_decision policy_renew(const struct renewal_facts *f)
{
    /* Who has not proven the key learns nothing, also not what was revoked. */
    if (!f->known || !f->proven)
        return refuse(REFUSAL_REQUEST);
    if (f->revoked || !f->current)
        return refuse(REFUSAL_REVOKED);
    /* Once a serial: an answer that was lost is given again, however late.  A signature that was
     * held back earns what it was made for, once, while that is due; its owner signs none before
     * it is (PROTOCOL.md 11.5), and after it was used it earns nothing new. */
    if (f->replaced)
        return act(POLICY_RETURN);
    if (f->age == POLICY_TOO_OLD && !f->allowed)
        return refuse(REFUSAL_EXPIRED);
    if (f->age == POLICY_YOUNG || !f->gains)
        return f->doubted ? act(POLICY_RETURN) : refuse(REFUSAL_NOT_DUE);
    return act(POLICY_ISSUE);
}

enum policy_adoption policy_adopt(const struct adoption_facts *f)
{
    if (!f->ours)
        return POLICY_FOREIGN;
    if (!f->in_doubt) /* an alarm, whoever it is that shows it */
        return POLICY_FORGED;
    if (!f->proven)
        return POLICY_FOREIGN;
    if (f->revoked || !f->current || !f->witnessed || f->over)
        return POLICY_SHUT;
    return f->later ? POLICY_ADOPT : POLICY_OLDER;
}

enum policy_age policy_age(const struct policy_life *life, int64_t now_s)
{
    /* notBefore lies before the moment of issue, for clocks that are late. */
    int64_t from_s = life->not_before_s + LIMIT_BACKDATE_S;
    if (now_s < from_s + (life->not_after_s - from_s) / 3)
        return POLICY_YOUNG;
    if (now_s < life->not_after_s)
        return POLICY_DUE;
    return now_s <= life->not_after_s + LIMIT_GRACE_S ? POLICY_GRACE : POLICY_TOO_OLD;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/users.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The range systemd gives to services for the time they run: no person is there. */
static const uid_t first_number = 61184;
static const uid_t last_number = 65519;

struct choice {
    const char *wanted;
    const char *default_name;
    const char *directory;
    const char *option;
    uid_t taken; /* by the other child; 0: not chosen yet */
};

static bool parse_number(const char *text, uid_t *uid)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != '\0' || value > INT32_MAX)
        return false;
    *uid = (uid_t)value;
    return true;
}

static bool find_name(const char *name, struct user *user)
{
    const struct passwd *entry = getpwnam(name);
    if (entry == NULL)
        return false;
    *user = (struct user) { .uid = entry->pw_uid, .gid = entry->pw_gid };
    return true;
}

static struct user of_number(uid_t uid)
{
    const struct passwd *entry = getpwuid(uid);
    return (struct user) { .uid = uid, .gid = entry != NULL ? entry->pw_gid : (gid_t)uid };
}

static bool owner_of(int data, const char *directory, struct user *user)
{
    struct stat st;
    if (fstatat(data, directory, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_uid == 0)
        return false;
    *user = (struct user) { .uid = st.st_uid, .gid = st.st_gid != 0 ? st.st_gid : st.st_uid };
    return true;
}

static enum mlt_err find_unused(const struct choice *choice, struct user *user)
{
    for (uid_t uid = first_number; uid <= last_number; uid++) {
        if (uid == choice->taken || getpwuid(uid) != NULL || getgrgid(uid) != NULL)
            continue;
        *user = (struct user) { .uid = uid, .gid = (gid_t)uid };
        return MLT_OK;
    }
    return MLT_ERR_SYSTEM;
}

/* One line: whatever was noticed before is no matter any more. */
static enum mlt_err refuse(struct buf *notice, const char *why)
{
    buf_reset(notice);
    TRY(buf_put_str(notice, why));
    return MLT_ERR_USAGE;
}

static enum mlt_err find_wanted(const struct choice *choice, struct user *user, struct buf *notice)
{
    uid_t number = 0;
    if (find_name(choice->wanted, user))
        return MLT_OK;
    if (parse_number(choice->wanted, &number)) {
        *user = of_number(number);
        return MLT_OK;
    }
    buf_reset(notice);
    TRY(buf_put_format(notice, "--user-%s %s: there is no such user", choice->option,
                       choice->wanted));
    return MLT_ERR_USAGE;
}

static enum mlt_err choose(const struct choice *choice, int data, struct user *user,
                           struct buf *notice)
{
    struct user owner = { 0 };
    bool has_owner = owner_of(data, choice->directory, &owner);
    if (choice->wanted != NULL) {
        TRY(find_wanted(choice, user, notice));
        if (!has_owner || owner.uid == user->uid)
            return MLT_OK;
        buf_reset(notice);
        TRY(buf_put_format(notice,
                           "the directory '%s' belongs to user number %u, not to %s; change its "
                           "owner or leave --user-%s out",
                           choice->directory, owner.uid, choice->wanted, choice->option));
        return MLT_ERR_PERMISSION;
    }
    if (has_owner) {
        *user = owner;
        return MLT_OK;
    }
    if (find_name(choice->default_name, user))
        return MLT_OK;
    TRY(find_unused(choice, user));
    return buf_put_format(notice,
                          "there is no user %s: the %s process runs as the unused number %u\n",
                          choice->default_name, choice->option, user->uid);
}

static bool is_root(const struct user *user)
{
    return user->uid == 0 || user->gid == 0;
}

static enum mlt_err check_apart(const struct users *users, struct buf *notice)
{
    if (is_root(&users->net) || is_root(&users->ca))
        return refuse(notice, "--user-net and --user-ca must not be root or of its group");
    if (users->net.uid == users->ca.uid)
        return refuse(notice, "--user-net and --user-ca must be two different users");
    return MLT_OK;
}

static enum mlt_err refuse_without_root(struct buf *notice)
{
    return refuse(notice, "--user-net and --user-ca need root; this runs as a user");
}

enum mlt_err users_check(const struct users_wanted *wanted, struct buf *notice)
{
    struct users got = { 0 };
    const struct choice net = { .wanted = wanted->net, .option = "net" };
    const struct choice ca = { .wanted = wanted->ca, .option = "ca" };
    if (net.wanted == NULL && ca.wanted == NULL)
        return MLT_OK;
    if (geteuid() != 0)
        return refuse_without_root(notice);
    if (net.wanted != NULL)
        TRY(find_wanted(&net, &got.net, notice));
    if (ca.wanted != NULL)
        TRY(find_wanted(&ca, &got.ca, notice));
    /* Whoever is not named is found later, and is no one of these. */
    const struct user nobody = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
    if (net.wanted == NULL)
        got.net = nobody;
    if (ca.wanted == NULL)
        got.ca = nobody;
    return check_apart(&got, notice);
}

enum mlt_err users_choose(const struct users_wanted *wanted, struct users *users,
                          struct buf *notice)
{
    struct users got = { .drop = geteuid() == 0 };
    if (!got.drop) {
        if (wanted->net != NULL || wanted->ca != NULL)
            return refuse_without_root(notice);
        got.net = got.ca = (struct user) { .uid = geteuid(), .gid = getegid() };
        *users = got;
        return MLT_OK;
    }
    struct choice ca = { wanted->ca, "_malote-ca", "ca", "ca", 0 };
    TRY(choose(&ca, wanted->data, &got.ca, notice));
    struct choice net = { wanted->net, "_malote-net", "net", "net", got.ca.uid };
    TRY(choose(&net, wanted->data, &got.net, notice));
    TRY(check_apart(&got, notice));
    *users = got;
    return MLT_OK;
}

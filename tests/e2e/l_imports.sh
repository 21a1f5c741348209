#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the library cannot do, since it does not even import it: wait for a name, sleep in a poll of
# its own, speak, touch signals, locale, environment, umask or directory, start a thread or a
# process, or end this one.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

LIBRARY=$ROOT/build/$BUILD/src/client/libmalote.so.0

# imports FILE: the names it takes from others.
imports() {
    nm -D --undefined-only "$1" | awk '{ sub(/@.*/, "", $2); sub(/64$/, "", $2); print $2 }' | sort -u
}

cat >"$T/never" <<'NAMES'
__fprintf_chk
__longjmp_chk
__printf_chk
__vfprintf_chk
__vprintf_chk
_exit
abort
chdir
clearenv
epoll_pwait
epoll_wait
execve
exit
fchdir
fork
fputs
fputc
fwrite
getaddrinfo
gethostbyaddr
gethostbyname
getnameinfo
kill
perror
posix_spawn
ppoll
prctl
printf
pselect
pthread_create
pthread_sigmask
putenv
puts
raise
select
setenv
setlocale
setrlimit
sigaction
signal
sigprocmask
sleep
stderr
stdout
syslog
system
umask
unsetenv
usleep
NAMES
imports "$LIBRARY" >"$T/library"
has "$T/library" connect
found=$(LC_ALL=C sort "$T/never" | LC_ALL=C comm -12 - <(LC_ALL=C sort "$T/library"))
[ -z "$found" ] || fail "the library imports $found"

# The list can find something: the command itself waits, speaks and catches signals.
imports "$BIN/malote" >"$T/command"
found=$(LC_ALL=C sort "$T/never" | LC_ALL=C comm -12 - <(LC_ALL=C sort "$T/command") | tr '\n' ' ')
for name in getaddrinfo ppoll sigaction; do
    [[ " $found " == *" $name "* ]] || fail "the check is blind for $name"
done

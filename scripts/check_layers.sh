#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who may include whom.  check_layers.sh [TREE]; prints each violation, exit 1 if there is one.
set -euo pipefail
cd -- "${1:-$(dirname -- "${BASH_SOURCE[0]}")/..}"

# A room may include itself and the rooms named here.
declare -A MAY_INCLUDE=(
    [base]=""
    [wire]="base"
    [crypto]="base"
    [pki]="base wire crypto"
    [protocol]="base wire crypto pki"
    [ipc]="base wire crypto pki"
    [db]="base wire"
    [ca]="base wire crypto pki ipc db"
    [mail]="base wire crypto db"
    [relay]="base wire crypto pki protocol ipc mail"
    [client]="base wire crypto pki protocol db"
    [cmd]="base wire crypto pki protocol ipc ca relay"
)

# The malote command is a host like any other: the public header, base/, and cmd/ but for what
# belongs to the other programs.  (What its files include, they too may include no more than this.)
OTHER_PROGRAMS="cmd/data_path.* cmd/malote_ca* cmd/maloted*"
MALOTE="cmd/malote.c cmd/authority.* cmd/cmd_* cmd/enrol.* cmd/explain.* cmd/host.* cmd/show.* cmd/system_look_up.*"

# Headers of others, and the only files that may include them (patterns below src/).  A header
# of libcrypto that is not listed is included by nobody.
OUTSIDE=(
    "uv.h                    relay/net*"
    "sqlite3.h               db/*"
    "ares.h                  client/resolver.c client/public_home.c"
    "malote/client.h         client/public* $MALOTE"
    "jansson.h               cmd/*"
    "ini.h                   cmd/* relay/config*"
    "utf8proc.h              base/text.c"
    "linux/audit.h           ipc/sandbox.c"
    "linux/filter.h          ipc/sandbox.c"
    "linux/landlock.h        ipc/sandbox.c"
    "linux/seccomp.h         ipc/sandbox.c"
    "linux/sockios.h         ipc/channel.c"
    "openssl/types.h         crypto/* pki/* protocol/* ca/* client/* mail/* relay/*"
    "openssl/evp.h           crypto/*"
    "openssl/rsa.h           crypto/*"
    "openssl/kdf.h           crypto/*"
    "openssl/bn.h            crypto/*"
    "openssl/dh.h            crypto/*"
    "openssl/core_names.h    crypto/*"
    "openssl/param_build.h   crypto/*"
    "openssl/params.h        crypto/*"
    "openssl/provider.h      crypto/crypto.c"
    "openssl/x509.h          crypto/pkcs12.c crypto/rsa.c pki/* ca/issue*"
    "openssl/x509v3.h        pki/* ca/issue*"
    "openssl/asn1.h          pki/* ca/issue*"
    "openssl/objects.h       pki/*"
    "openssl/pkcs12.h        crypto/pkcs12.c"
    "openssl/pem.h           crypto/key_pem.c pki/*"
    "openssl/bio.h           crypto/key_pem.c pki/*"
    "openssl/rand.h          base/env.c"
    "openssl/crypto.h        base/* crypto/*"
    "openssl/err.h           base/* crypto/* pki/*"
)

# What libc and the kernel give to everyone.
PLATFORM="arpa/inet assert ctype dirent endian errno fcntl fnmatch getopt grp ifaddrs inttypes langinfo
limits linux/fs locale net/if netdb netinet/in netinet/tcp poll pthread pwd sched signal stdalign
stdarg stdatomic stdbool stddef stdint stdio stdlib string strings sys/epoll sys/eventfd sys/file sys/ioctl sys/mman
sys/prctl sys/random sys/resource sys/queue sys/select sys/signalfd sys/socket sys/stat sys/statvfs sys/syscall sys/time
sys/types sys/uio sys/un sys/wait syslog termios time unistd"
PLATFORM=" $(echo $PLATFORM) "

found=0
violation() {
    echo "layers: $1"
    found=1
}

fits() { # NAME PATTERNS
    local pattern
    set -f
    set -- "$1" $2
    set +f
    for pattern in "${@:2}"; do
        # shellcheck disable=SC2053  # a pattern is what it is
        [[ $1 != $pattern ]] || return 0
    done
    return 1
}

check_room() { # FILE ROOM HEADER
    local file=$1 room=$2 header=$3 other=${3%%/*}
    if [[ $header != */* || $header == *..* || ! -f src/$header ]]; then
        violation "$file includes \"$header\", which is not a room/file.h below src/"
        return
    fi
    if [ "$room" = cmd ] && ! fits "${file#src/}" "$OTHER_PROGRAMS"; then
        [[ $other == base || $other == cmd ]] && ! fits "$header" "$OTHER_PROGRAMS" && return 0
        violation "$file includes \"$header\": the malote command knows <malote/client.h> and base/"
        return
    fi
    [[ $other != "$room" && " ${MAY_INCLUDE[$room]} " != *" $other "* ]] || return 0
    violation "$file includes \"$header\": $room may include: $room ${MAY_INCLUDE[$room]}"
}

check_outside() { # FILE HEADER
    local file=${1#src/} header=$2 row pattern
    [[ $PLATFORM != *" ${header%.h} "* ]] || return 0
    for row in "${OUTSIDE[@]}"; do
        set -f
        set -- $row
        set +f
        [ "$1" = "$header" ] || continue
        shift
        for pattern in "$@"; do
            # shellcheck disable=SC2053  # a pattern is what it is
            [[ $file != $pattern ]] || return 0
        done
        violation "src/$file includes <$header>: only $* may"
        return
    done
    violation "src/$file includes <$header>, which is in no list of scripts/check_layers.sh"
}

while IFS=: read -r file line; do
    room=${file#src/}
    room=${room%%/*}
    if [ -z "${MAY_INCLUDE[$room]+known}" ]; then
        violation "$file: src/$room is no room of the table"
        continue
    fi
    if [[ $line =~ ^[[:space:]]*\#[[:space:]]*include[[:space:]]*\"([^\"]+)\" ]]; then
        check_room "$file" "$room" "${BASH_REMATCH[1]}"
    elif [[ $line =~ ^[[:space:]]*\#[[:space:]]*include[[:space:]]*\<([^\>]+)\> ]]; then
        check_outside "$file" "${BASH_REMATCH[1]}"
    else
        violation "$file: an include that this script cannot read: $line"
    fi
done < <(grep -rHE '^[[:space:]]*#[[:space:]]*include' src --include='*.[ch]' --include='*.def' || true)

# The public interface knows none of the rooms, nor do those who show how it is used.
while IFS= read -r line; do
    violation "$line: include/malote and examples stand alone"
done < <(grep -rHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' include examples 2>/dev/null || true)

exit "$found"

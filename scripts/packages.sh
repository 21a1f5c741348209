# SPDX-License-Identifier: Apache-2.0
# What each verb of ./run needs from Debian 12, and how it gets there.  Sourced by ./run.

# libc6-dev is only a recommendation of gcc, and we install no recommendations.
declare -A PACKAGES=(
    [build]="gcc libc6-dev meson ninja-build pkg-config libssl-dev libuv1-dev libsqlite3-dev libc-ares-dev
             libinih-dev libjansson-dev libutf8proc-dev"
    [demo]="openssl"
    [format]="clang-format"
    [test]="clang libclang-rt-14-dev clang-format libcmocka-dev gnutls-bin libnss3-tools mandoc abigail-tools
            python3 python3-cryptography
            python3-cryptography-vectors librust-ring-dev librust-hkdf-dev librust-hmac-dev
            librust-webpki-dev strace faketime"
)

APT_INSTALL="apt-get install -y --no-install-recommends"

missing_packages() {
    local package
    for package in "$@"; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) in
        installed*) ;;
        *) echo "$package" ;;
        esac
    done
}

# Puts the words to become root with into the array as_root; fails where there is no way.
find_root() {
    as_root=()
    [ "$(id -u)" -ne 0 ] || return 0
    command -v sudo >/dev/null || return 1
    as_root=(sudo)
    sudo -n true 2>/dev/null && return 0
    [ -t 0 ] && [ -t 2 ] && sudo -v
}

# Asks apt for what is missing of the named sets, and for nothing when all is there.
need_packages() {
    local set wanted=() missing as_root log
    for set in "$@"; do
        read -r -d '' -a words <<<"${PACKAGES[$set]}" || true
        wanted+=("${words[@]}")
    done
    missing=$(missing_packages "${wanted[@]}" | sort -u | tr '\n' ' ')
    missing=${missing% }
    [ -n "$missing" ] || return 0
    if ! find_root; then
        echo "./run: packages are missing; as root: apt-get update && $APT_INSTALL $missing" >&2
        exit 2
    fi
    echo "installing: $missing"
    log=$(mktemp)
    # A mirror that cannot be reached for one of many sources is no reason to stop: install decides.
    "${as_root[@]}" apt-get update -q </dev/null >"$log" 2>&1 || true
    # shellcheck disable=SC2086  # the package list is words
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive $APT_INSTALL -q \
        -o DPkg::Lock::Timeout=120 $missing </dev/null >>"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        echo "./run: apt could not install what is missing; its words stand above" >&2
        exit 2
    fi
    rm -f "$log"
}

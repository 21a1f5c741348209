# SPDX-License-Identifier: Apache-2.0
# Meson underneath: build/gcc (what people run) and build/asan (clang, sanitizers, fuzzers).
# Sourced by ./run and the scripts behind it, from the root of the repository.

# Runs a command, silent unless it fails.
quietly() {
    local log=build/log.$BASHPID
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# setup_dir NAME: configures build/NAME once.
setup_dir() {
    local dir=build/$1
    mkdir -p build
    [ ! -f "$dir/build.ninja" ] || return 0
    case $1 in
    gcc)
        quietly env CC=gcc meson setup -Dtests=false "$dir"
        ;;
    asan)
        # The libraries carry libFuzzer's instrumentation too, or it would be blind in them.
        quietly env CC=clang meson setup -Dfuzz=true -Db_sanitize=address,undefined \
            -Db_lundef=false -Dc_args="-fsanitize=fuzzer-no-link -fno-sanitize-recover=all" "$dir"
        ;;
    esac
}

# build_targets NAME TARGET...: no target means all of them.
build_targets() {
    local dir=build/$1
    setup_dir "$1" || return 1
    shift
    # Everything that can be built is, so that one failure does not hide the others.
    quietly ninja -k 0 -C "$dir" "$@"
}

# build/gcc with everything that tests need.
build_tests() {
    setup_dir gcc || return 1
    quietly meson configure build/gcc -Dtests=true || return 1
    build_targets gcc
}

# install_library PREFIX [BUILD]: header, shared and static library, pkg-config file.
install_library() {
    local from=build/${2:-gcc}/src/client
    install -d "$1/include/malote" "$1/lib/pkgconfig"
    install -C -m 644 include/malote/client.h "$1/include/malote/"
    install -C -m 644 "$from/libmalote.so.0" "$from/libmalote.a" "$1/lib/"
    ln -sfn libmalote.so.0 "$1/lib/libmalote.so"
    install -C -m 644 "$from/malote.pc" "$1/lib/pkgconfig/"
}

# The three programs, left in build/bin; and the library, so that build/ is a prefix of its own.
build_binaries() {
    local name
    build_targets gcc src/cmd/maloted src/cmd/malote src/cmd/malote-ca \
        src/client/libmalote.so.0 src/client/libmalote.a || return 1
    install_library build
    mkdir -p build/bin
    for name in maloted malote malote-ca; do
        install -C -m 755 "build/gcc/src/cmd/$name" "build/bin/$name"
    done
}

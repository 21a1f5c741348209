#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whatever is wrong with a command line of maloted or malote-ca is one line and exit 2, options that
# contradict each other are never silently chosen from, and output that cannot be written is exit 6.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

passphrase
cd "$T" # "--data --check" names a directory
for arguments in "--fly" "--data" "-x" "-xy" "--kdf-cost -1" \
    "--kdf-cost 4294968320" "--mailbox-messages -1" "--mailbox-bytes 1T" "--mailbox-share 101" \
    "--mailbox-life 0" \
    "--passphrase-fd -3" "--passphrase-fd 99999999999" "--check=yes" "--data /a --data /b" \
    "--passphrase-fd 3 --passphrase-file /p" "--passphrase-file /p --passphrase-fd 3" \
    "--config /dev/null --config /dev/null"; do
    # shellcheck disable=SC2086  # words
    expect 2 maloted --check $arguments
    one_line "$T/err"
done
expect 2 maloted --fly
has "$T/err" "'--fly'"
for arguments in "--fly list" "--data /a --data /b list" \
    "--passphrase-fd 3 --passphrase-file /p list" \
    "--passphrase-fd 3 --passphrase-fd 4 list" "invite --count 1 --count 2" "invite --count -1" \
    "invite --count 99999999999999999999" "invite --expires -1s" "invite --names /a --names /b"; do
    # shellcheck disable=SC2086
    expect 2 malote-ca $arguments
    one_line "$T/err"
done

full() { # COMMAND...
    local status=0
    timeout 30 "$@" >/dev/full 2>"$T/err" </dev/null || status=$?
    is "$status" 6
    one_line "$T/err"
}
full maloted --limits
full maloted --help
full maloted --version
full malote-ca --help
start_server
# more than one buffer of stdio
full malote-ca --data "$D" invite --count 100 --json
full malote-ca --data "$D" invite --count 100
serves

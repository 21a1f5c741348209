/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <unistd.h>

#include "must.h"
#include "sheet.h"
#include "topics.h"

/*
 * make_vectors KEYS OUT: writes the golden vectors, one JSON file a topic and vectors.md, into the
 * directory OUT.  The code of the product makes them, with its clocks and randomness replaced;
 * the test keys lie in KEYS.  scripts/vectors.sh compares the result with what is committed.
 */
int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: make_vectors KEYS OUT\n", stderr);
        return 2;
    }
    struct given given;
    int out = open(argv[2], O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (out < 0)
        perror(argv[2]);
    must(out >= 0);
    given_start(&given, argv[1]);
    sheet_start(out);
    topic_keys(&given);
    topic_certificates(&given);
    topic_login(&given);
    topic_enrol(&given);
    topic_records(&given);
    topic_alerts(&given);
    topic_messages(&given);
    topic_invite(&given);
    topic_keystore(&given);
    topic_mailbox(&given);
    topic_leaf(&given);
    topic_ledger(&given);
    topic_revocation(&given);
    topic_renewal(&given);
    sheet_finish();
    given_stop(&given);
    close(out);
    return 0;
}

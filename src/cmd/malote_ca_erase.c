/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>

#include "cmd/malote_ca_link.h"
#include "cmd/say.h"

/* erase NAME --yes. */

static enum exit_code take_options(struct malote_ca_options *options, int argc, char **argv,
                                   bool *yes)
{
    static const struct option known[] = { { "yes", no_argument, NULL, 'y' },
                                           { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'y')
            *yes = true;
        else if (c == 'j')
            options->json = true;
        else
            return malote_ca_wrong_usage("erase");
    }
    return argc - optind == 1 ? EXIT_DONE : malote_ca_wrong_usage("erase");
}

enum exit_code malote_ca_erase(struct malote_ca_options *options, int argc, char **argv)
{
    bool yes = false;
    struct admin_request request = { .verb = ADMIN_ERASE, .has_name = true };
    enum exit_code code = take_options(options, argc, argv, &yes);
    if (code == EXIT_DONE)
        code = malote_ca_name(argv[optind], true, &request.name);
    if (code == EXIT_DONE && !yes) {
        /* The one subcommand whose work nobody can undo, not even from a backup of the mail. */
        say_error(TEXT_CA_ERASE_WITHOUT_YES, request.name.text, request.name.text);
        return EXIT_USAGE;
    }
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    if (code == EXIT_DONE)
        code = ca_link_ask_once(options, &request, &rows);
    return code == EXIT_DONE ? malote_ca_tell_done(options, "erased", &request.name) : code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SAID_H
#define MALOTE_TESTS_SAID_H

/*
 * What the programs of tests/fault tell check.py, which kills them, lets their disk fail and takes
 * their power away:
 *
 *   PROGRAM work DIR [N]  does its work in DIR.  Before each change it says "try", and "did" once
 * the change was acknowledged, or "not" if it failed; then it tries again, until it succeeds or 20
 * s have passed.  Ends with 0 when all was done.  With N the first N changes were acknowledged to
 * an earlier run, which was killed: it begins behind them. PROGRAM show DIR    opens what is there,
 * checks it (integrity_check, counts), and says "has" for each key it finds, in order.  Ends with
 * another status if it is damaged.
 *
 * A change is a list of keys that appear (+) and vanish (-) together: "try -mail/joao/7
 * +told/ana/7". A key is group/stream/number: keys of one group and stream are shown in the order
 * of their numbers, each once.  All lines go out by write(2), whole: disk_shim.c puts them into its
 * log.
 */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

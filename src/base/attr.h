/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_ATTR_H
#define MALOTE_BASE_ATTR_H

/* Compiler attributes used in every header of this tree. */

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))

/* CLEANUP(buf_clear) struct buf b = { 0 };  -- released on every path out of the scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif

/*
 * err.h - what went wrong, and what the caller may do about it.
 *
 * A fallible function returns 0, or -1 with `struct err` filled. Callers ask
 * the kind and never parse the text. Code below main does not log an error
 * that it returns: the loop that decides says it once.
 */
#pragma once

#include "common/xalloc.h"

enum err_kind {
    ERR_NONE,
    ERR_RETRY,       /* the same call may work later (outage, timeout) */
    ERR_INPUT,       /* this datum will never work */
    ERR_CONFIG,      /* settings are wrong or missing: exit 78 */
    ERR_PERMISSION,  /* credentials or privileges: exit 77 */
    ERR_UNREACHABLE, /* a dependency does not answer: exit 69 in `check` */
    ERR_USAGE,       /* command line: exit 64 */
    ERR_FATAL,       /* stop the process: going on could lose data */
};

struct err {
    enum err_kind kind;
    char text[1024]; /* one line, no trailing newline */
};

/* Fills `e` (which may be NULL) and returns -1, so that a caller can write
   `return err_set(e, ...)`. Control characters become spaces. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Puts "<context>: " before the text of `e`, keeps the kind, returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* DESIGN 7: the process exit code of a kind (ERR_NONE gives 0). */
int err_exit_code(enum err_kind kind);

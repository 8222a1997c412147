/*
 * xalloc.h - allocation that cannot fail, assertions, attributes.
 *
 * Small allocations abort the process when memory is out: there is nothing
 * useful left to do, and both ends of the pipeline recover from a crash.
 * Data-sized memory goes through struct buf, whose cap fails first.
 *
 * CHECK states what only a bug of ours can break. It stays on in release
 * builds. Data from outside never reaches a CHECK.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#define CHECK(cond)                                  \
    do {                                             \
        if (__builtin_expect(!(cond), 0)) {          \
            check_failed(#cond, __FILE__, __LINE__); \
        }                                            \
    } while (0)

__attribute__((noreturn, cold)) static inline void
check_failed(const char *what, const char *file, int line)
{
    (void)fprintf(stderr, "level=ERROR msg=\"bug\" check=\"%s\" at=%s:%d\n",
                  what, file, line);
    abort();
}

/* `count` zeroed objects of `size` bytes. Never NULL. */
static inline void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);

    CHECK(p != NULL);
    return p;
}

/* Room for `count` objects of `size` bytes; the old contents are kept. */
static inline void *xrealloc(void *old, size_t count, size_t size)
{
    size_t bytes;

    CHECK(!__builtin_mul_overflow(count, size, &bytes));
    void *p = realloc(old, bytes ? bytes : 1);
    CHECK(p != NULL);
    return p;
}

/* A NUL-terminated copy of `len` bytes. */
static inline char *xstrndup(const char *s, size_t len)
{
    char *p = xcalloc(len + 1, 1);

    if (len > 0) {
        memcpy(p, s, len);
    }
    return p;
}

static inline char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

/* Accepts NULL. */
static inline void xfree(void *p)
{
    free(p);
}

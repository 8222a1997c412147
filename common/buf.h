/*
 * buf.h - byte strings: a view, and a builder.
 *
 * struct str   (pointer, length); borrows; not NUL-terminated; p may be NULL
 *              when len is 0. A str with p == NULL is "absent" where a
 *              function says so, p != NULL with len 0 is the empty string.
 * struct buf   grows up to `max` bytes. Sticky: an append that would pass
 *              `max` sets `failed`, drops the bytes, and so does every later
 *              one; code appends straight through and asks buf_ok once.
 *
 * Invariant: len <= cap <= max. Memory is kept by buf_reset and released by
 * buf_fini. Not thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/xalloc.h"

struct str {
    const char *p;
    size_t len;
};

/* A string literal as a view. */
#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })

/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).len, (s).p

struct buf {
    char *p;
    size_t len, cap, max;
    bool failed;
};

static inline struct str str_of(const char *z)
{
    return (struct str){ z, z ? strlen(z) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* An empty builder that never grows past `max` bytes. Allocates nothing. */
void buf_init(struct buf *b, size_t max);

/* Releases the memory. Accepts NULL, zeroed and finished builders. */
void buf_fini(struct buf *b);

/* Makes room for `extra` more bytes (used by the inline appends). Returns
   false, and sets `failed`, when that would pass `max`. */
bool buf_grow(struct buf *b, size_t extra);

/* printf at the end; for cold paths. */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Decimal text of an integer; hot path, no printf. */
void buf_u64(struct buf *b, uint64_t n);
void buf_i64(struct buf *b, int64_t n);

/* The contents with a NUL behind them (not counted in len); "" when the
   builder failed or is empty. Borrowed until the next append. */
const char *buf_z(struct buf *b);

static inline void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
}

static inline bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){ b->p ? b->p : "", b->len };
}

/* Room for `extra` bytes at the returned place, or NULL when failed. The
   caller writes at most `extra` bytes there and adds what it wrote to len. */
static inline char *buf_reserve(struct buf *b, size_t extra)
{
    if (b->failed ||
        ((b->cap - b->len < extra || !b->p) && !buf_grow(b, extra))) {
        return NULL;
    }
    return b->p + b->len;
}

static inline void buf_add(struct buf *b, const void *p, size_t len)
{
    char *at = buf_reserve(b, len);

    if (at && len > 0) {
        memcpy(at, p, len);
        b->len += len;
    }
}

static inline void buf_str_add(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.len);
}

static inline void buf_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

/* Appends a string literal. */
#define buf_lit(b, lit) buf_add((b), "" lit, sizeof(lit) - 1)

/*
 * reader.h - sticky big-endian byte reader.
 *
 * Code reads straight through and asks reader_ok once: the first failure is
 * kept with its place and reason, and every read behind it gives 0 or an
 * empty view. Never reads past the end. Views borrow the bytes.
 *
 * Knows nothing of PostgreSQL; does not decide what a failure means.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"

struct reader {
    const unsigned char *p;
    size_t len, at;  /* at: the next byte to read */
    const char *why; /* the first failure; NULL = none */
    size_t why_at;   /* its byte */
};

static inline void reader_init(struct reader *r, struct str bytes)
{
    *r = (struct reader){ .p = (const unsigned char *)bytes.p,
                          .len = bytes.len };
}

static inline bool reader_ok(const struct reader *r)
{
    return r->why == NULL;
}

/* Fails at the byte `at`, unless it has failed before. `why` is a literal. */
static inline void reader_fail(struct reader *r, size_t at, const char *why)
{
    if (r->why == NULL) {
        r->why = why;
        r->why_at = at;
    }
}

/* Takes `count` bytes; NULL when fewer are left. */
static inline const unsigned char *reader_take(struct reader *r, size_t count)
{
    if (r->why != NULL || r->len - r->at < count) {
        reader_fail(r, r->at, "the message ends too early");
        return NULL;
    }
    const unsigned char *p = r->p + r->at;

    r->at += count;
    return p;
}

static inline uint8_t reader_u8(struct reader *r)
{
    const unsigned char *p = reader_take(r, 1);

    return p ? *p : 0;
}

static inline uint16_t reader_u16(struct reader *r)
{
    const unsigned char *p = reader_take(r, 2);

    return (uint16_t)(p ? p[0] << 8 | p[1] : 0);
}

static inline uint32_t reader_u32(struct reader *r)
{
    const unsigned char *p = reader_take(r, 4);

    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
                   (uint32_t)p[2] << 8 | p[3]
             : 0;
}

static inline uint64_t reader_u64(struct reader *r)
{
    const uint64_t high = reader_u32(r);

    return high << 32 | reader_u32(r);
}

/* `count` bytes as a view. */
static inline struct str reader_bytes(struct reader *r, size_t count)
{
    const unsigned char *p = reader_take(r, count);

    return (struct str){ (const char *)p, p ? count : 0 };
}

/* The bytes up to a NUL, which is passed over. */
static inline struct str reader_z(struct reader *r)
{
    if (r->why != NULL || r->at == r->len) {
        reader_fail(r, r->at, "the message ends too early");
        return (struct str){ 0 };
    }
    const unsigned char *p = r->p + r->at;
    const unsigned char *nul = memchr(p, 0, r->len - r->at);

    if (nul == NULL) {
        reader_fail(r, r->at, "a string has no end");
        return (struct str){ 0 };
    }
    r->at += (size_t)(nul - p) + 1;
    return (struct str){ (const char *)p, (size_t)(nul - p) };
}

/* Everything must have been read. */
static inline void reader_end(struct reader *r)
{
    if (r->at != r->len) {
        reader_fail(r, r->at, "bytes behind the end of the message");
    }
}

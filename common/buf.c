#include "common/buf.h"

#include <stdarg.h>

#include "common/decimal.h"

enum { BUF_FIRST_BYTES = 256 };

void buf_init(struct buf *b, size_t max)
{
    /* half of the address space leaves every sum of sizes room */
    *b = (struct buf){ .max = max < SIZE_MAX / 2 ? max : SIZE_MAX / 2 };
}

void buf_fini(struct buf *b)
{
    if (b) {
        xfree(b->p);
        *b = (struct buf){ 0 };
    }
}

bool buf_grow(struct buf *b, size_t extra)
{
    size_t cap;

    if (b->failed || extra > b->max - b->len) {
        b->failed = true;
        return false;
    }
    cap = b->cap < BUF_FIRST_BYTES / 2 ? BUF_FIRST_BYTES : b->cap * 2;
    if (cap < b->len + extra) {
        cap = b->len + extra;
    }
    if (cap > b->max) {
        cap = b->max;
    }
    b->p = xrealloc(b->p, cap + 1, 1); /* one for the NUL of buf_z */
    b->cap = cap;
    return true;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    char *at;
    int len;

    if (b->failed) {
        return;
    }
    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    at = len < 0 ? NULL : buf_reserve(b, (size_t)len);
    if (!at) {
        b->failed = true;
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(at, (size_t)len + 1, fmt, args); /* cap + 1 bytes */
    va_end(args);
    b->len += (size_t)len;
}

void buf_u64(struct buf *b, uint64_t n)
{
    unsigned length = decimal_length(n);
    char *at = buf_reserve(b, length);

    if (at) {
        decimal_write(at, n, length);
        b->len += length;
    }
}

void buf_i64(struct buf *b, int64_t n)
{
    if (n < 0) {
        buf_char(b, '-');
        buf_u64(b, 0 - (uint64_t)n);
    } else {
        buf_u64(b, (uint64_t)n);
    }
}

const char *buf_z(struct buf *b)
{
    if (b->failed || !b->p) {
        return "";
    }
    b->p[b->len] = '\0';
    return b->p;
}

/*
 * scan.h - finds the next byte of interest in a text, 16 bytes at a time.
 *
 * Shared by the JSON writer (json.c) and the slicer (slice.c): both spend
 * their time on bytes that need no thought. SSE2 where the compiler has it,
 * else eight bytes in a register (SWAR).
 *
 * Each function returns the first byte in [p, end) of its kind, or `end`.
 * Nothing outside [p, end) is read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool scan_is_control(char c)
{
    return (unsigned char)c < 0x20;
}

/* What a JSON string cannot hold raw, or ends or escapes it. */
static inline bool scan_is_special(char c)
{
    return scan_is_control(c) || c == '"' || c == '\\';
}

#ifdef __SSE2__

static inline __m128i scan_load(const char *p)
{
    __m128i v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline __m128i scan_equal(__m128i v, char c)
{
    return _mm_cmpeq_epi8(v, _mm_set1_epi8(c));
}

/* One bit per byte: a control, '"' or '\\'; with `high` also >= 0x80, which
   the signed comparison counts as below 0x20 for free. */
static inline unsigned scan_special_bits(__m128i v, bool high)
{
    const __m128i last = _mm_set1_epi8(0x1f);
    __m128i low = high ? _mm_cmpgt_epi8(_mm_set1_epi8(0x20), v)
                       : _mm_cmpeq_epi8(_mm_min_epu8(v, last), v);
    __m128i hit = _mm_or_si128(
        low, _mm_or_si128(scan_equal(v, '"'), scan_equal(v, '\\')));

    return (unsigned)_mm_movemask_epi8(hit);
}

static inline const char *scan_block(const char *p, const char *end, bool high)
{
    for (; end - p >= 16; p += 16) {
        unsigned bits = scan_special_bits(scan_load(p), high);

        if (bits != 0) {
            return p + __builtin_ctz(bits);
        }
    }
    return p;
}

/* Skips blocks that hold none of "{}[] : '{' and '}' are '[' and ']' with the
   bit 0x20, and no other byte becomes one of them by setting it. */
static inline const char *scan_block_structure(const char *p, const char *end)
{
    for (; end - p >= 16; p += 16) {
        __m128i v = scan_load(p);
        __m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x20));
        __m128i hit = _mm_or_si128(
            scan_equal(v, '"'),
            _mm_or_si128(scan_equal(folded, '{'), scan_equal(folded, '}')));
        unsigned bits = (unsigned)_mm_movemask_epi8(hit);

        if (bits != 0) {
            return p + __builtin_ctz(bits);
        }
    }
    return p;
}

/* Which bytes are in first..first+span. */
static inline __m128i scan_range(__m128i v, char first, char span)
{
    __m128i x = _mm_sub_epi8(v, _mm_set1_epi8(first));

    return _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(span)), x);
}

/* Skips blocks of letters, digits, '+', '-' and '.'. */
static inline const char *scan_block_scalar(const char *p, const char *end)
{
    for (; end - p >= 16; p += 16) {
        __m128i v = scan_load(p);
        __m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x20));
        __m128i sign =
            _mm_andnot_si128(scan_equal(v, ','), scan_range(v, '+', '.' - '+'));
        __m128i in = _mm_or_si128(
            sign, _mm_or_si128(scan_range(v, '0', 9),
                               scan_range(folded, 'a', 'z' - 'a')));
        unsigned out = ~(unsigned)_mm_movemask_epi8(in) & 0xffff;

        if (out != 0) {
            return p + __builtin_ctz(out);
        }
    }
    return p;
}

#else

/* Skips words of eight bytes that hold nothing special. A false alarm of the
   subtraction only costs the look at each byte that follows. */
static inline const char *scan_block(const char *p, const char *end, bool high)
{
    const uint64_t ones = 0x0101010101010101U, tops = 0x8080808080808080U;

    for (; end - p >= 8; p += 8) {
        uint64_t x, quote, slash, hit;

        memcpy(&x, p, sizeof(x));
        quote = x ^ (ones * '"');
        slash = x ^ (ones * '\\');
        hit = ((x - ones * 0x20) & ~x) | ((quote - ones) & ~quote) |
              ((slash - ones) & ~slash) | (high ? x : 0);
        if ((hit & tops) != 0) {
            break;
        }
    }
    return p;
}

static inline const char *scan_block_structure(const char *p, const char *end)
{
    (void)end;
    return p;
}

static inline const char *scan_block_scalar(const char *p, const char *end)
{
    (void)end;
    return p;
}

#endif

/* A quote or a bracket of any kind. */
static inline bool scan_is_structure(char c)
{
    return c == '"' || (c | 0x20) == '{' || (c | 0x20) == '}';
}

/* The next quote or bracket of any kind. */
static inline const char *scan_structure(const char *p, const char *end)
{
    p = scan_block_structure(p, end);
    while (p < end && !scan_is_structure(*p)) {
        p++;
    }
    return p;
}

/* The next control, '"', '\\' or byte >= 0x80. */
static inline const char *scan_unclean(const char *p, const char *end)
{
    p = scan_block(p, end, true);
    while (p < end && !scan_is_special(*p) && (unsigned char)*p < 0x80) {
        p++;
    }
    return p;
}

/* The next control, '"' or '\\'. */
static inline const char *scan_special(const char *p, const char *end)
{
    p = scan_block(p, end, false);
    while (p < end && !scan_is_special(*p)) {
        p++;
    }
    return p;
}

/* What numbers and literals are made of. */
static inline bool scan_is_scalar(char c)
{
    char lower = (char)(c | 0x20);

    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') ||
           c == '-' || c == '+' || c == '.';
}

/* The next byte that no number or literal has. */
static inline const char *scan_scalar(const char *p, const char *end)
{
    p = scan_block_scalar(p, end);
    while (p < end && scan_is_scalar(*p)) {
        p++;
    }
    return p;
}

#include "common/json.h"

#include "common/scan.h"

/* How many bytes the valid UTF-8 character at `p` has (2, 3 or 4; the first
   byte is >= 0x80), or 0: a stray or missing continuation, an overlong form,
   a surrogate, above U+10FFFF, cut by `end`. Unicode 15, table 3-7. */
static unsigned utf8_length(const char *p, const char *end)
{
    const unsigned char *u = (const unsigned char *)p;
    unsigned length = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    unsigned low = 0x80, high = 0xbf;

    if (u[0] < 0xc2 || u[0] > 0xf4 || (size_t)(end - p) < length) {
        return 0;
    }
    switch (u[0]) { /* the second byte's narrower ranges */
    case 0xe0: low = 0xa0; break;
    case 0xed: high = 0x9f; break;
    case 0xf0: low = 0x90; break;
    case 0xf4: high = 0x8f; break;
    default: break;
    }
    if (u[1] < low || u[1] > high) {
        return 0;
    }
    for (unsigned i = 2; i < length; i++) {
        if ((u[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

static void hex4(char *at, unsigned unit)
{
    static const char digits[] = "0123456789ABCDEF";

    at[0] = digits[unit >> 12 & 15];
    at[1] = digits[unit >> 8 & 15];
    at[2] = digits[unit >> 4 & 15];
    at[3] = digits[unit & 15];
}

/* A valid four-byte character as \uD83D\uDE00. */
static void escape_pair(struct buf *b, const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    unsigned code = ((u[0] & 0x07U) << 18 | (u[1] & 0x3fU) << 12 |
                     (u[2] & 0x3fU) << 6 | (u[3] & 0x3fU)) -
                    0x10000;
    char text[12] = "\\u....\\u...";

    hex4(text + 2, 0xd800 + (code >> 10));
    hex4(text + 8, 0xdc00 + (code & 0x3ff));
    buf_add(b, text, sizeof(text));
}

/* A control, '"' or '\\'. */
static void escape_ascii(struct buf *b, char c)
{
    char text[6] = "\\u000";
    char letter = 0;

    switch (c) {
    case '"': letter = '"'; break;
    case '\\': letter = '\\'; break;
    case '\b': letter = 'b'; break;
    case '\t': letter = 't'; break;
    case '\n': letter = 'n'; break;
    case '\f': letter = 'f'; break;
    case '\r': letter = 'r'; break;
    default: break;
    }
    if (letter) {
        text[1] = letter;
        buf_add(b, text, 2);
    } else {
        hex4(text + 2, (unsigned char)c);
        buf_add(b, text, sizeof(text));
    }
}

void json_escape(struct buf *b, struct str s)
{
    const char *p = s.len > 0 ? s.p : "", *run = p, *end = p + s.len;

    while ((p = scan_unclean(p, end)) < end) {
        unsigned length = 1;

        /* a run of non-ASCII text stays in this loop */
        while (p < end && (unsigned char)*p >= 0x80) {
            length = utf8_length(p, end);
            if (length == 0) {
                b->failed = true;
                return;
            }
            if (length == 4) {
                break;
            }
            p += length;
            length = 1;
        }
        if (p == end || (length == 1 && !scan_is_special(*p))) {
            continue;
        }
        buf_add(b, run, (size_t)(p - run));
        if (length == 4) {
            escape_pair(b, p);
        } else {
            escape_ascii(b, *p);
        }
        p += length;
        run = p;
    }
    buf_add(b, run, (size_t)(end - run));
}

void json_string(struct buf *b, struct str s)
{
    buf_char(b, '"');
    json_escape(b, s);
    buf_char(b, '"');
}

void json_member(struct buf *b, struct str name)
{
    if (b->len > 0 && b->p[b->len - 1] != '{') {
        buf_char(b, ',');
    }
    json_string(b, name);
    buf_char(b, ':');
}

void json_member_string(struct buf *b, const char *name, struct str value)
{
    json_member(b, str_of(name));
    json_string(b, value);
}

void json_member_i64(struct buf *b, const char *name, int64_t value)
{
    json_member(b, str_of(name));
    buf_i64(b, value);
}

void json_member_u64(struct buf *b, const char *name, uint64_t value)
{
    json_member(b, str_of(name));
    buf_u64(b, value);
}

void json_member_bool(struct buf *b, const char *name, bool value)
{
    json_member(b, str_of(name));
    if (value) {
        buf_lit(b, "true");
    } else {
        buf_lit(b, "false");
    }
}

void json_one_line(struct buf *b, struct str json)
{
    char *at = buf_reserve(b, json.len);

    if (!at || json.len == 0) {
        return;
    }
    memcpy(at, json.p, json.len);
    for (unsigned i = 0; i < 3; i++) {
        char *end = at + json.len, *hit = at;

        while ((hit = memchr(hit, "\n\r\t"[i], (size_t)(end - hit)))) {
            *hit++ = ' ';
        }
    }
    b->len += json.len;
}

/* Skips digits; false when there is none. */
static bool digits_skip(const char **p, const char *end)
{
    const char *start = *p;

    while (*p < end && **p >= '0' && **p <= '9') {
        (*p)++;
    }
    return *p > start;
}

bool json_is_number(struct str s)
{
    const char *p = s.len > 0 ? s.p : "", *end = p + s.len, *start;

    if (p < end && *p == '-') {
        p++;
    }
    start = p;
    if (!digits_skip(&p, end) || (*start == '0' && p > start + 1)) {
        return false;
    }
    if (p < end && *p == '.') {
        p++;
        if (!digits_skip(&p, end)) {
            return false;
        }
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) {
            p++;
        }
        if (!digits_skip(&p, end)) {
            return false;
        }
    }
    return p == end;
}

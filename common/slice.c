#include "common/slice.h"

#include "common/scan.h"

/*
 * States of struct slice
 *   p at the opening bracket or behind a value   running
 *   p == NULL                                    ended well: SLICE_END again
 *   p == end, not NULL                           bad: p is the place
 */

static const char *space_skip(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    return p;
}

/* From the opening quote to behind the closing one; NULL when it is cut or
   holds a raw control. */
static const char *string_skip(const char *p, const char *end)
{
    p++;
    for (;;) {
        p = scan_special(p, end);
        if (p == end || scan_is_control(*p)) {
            return NULL;
        }
        if (*p == '"') {
            return p + 1;
        }
        if (end - p < 2 || scan_is_control(p[1])) {
            return NULL;
        }
        p += 2;
    }
}

/* From an opening bracket to behind the one that balances it, or NULL. */
static const char *nested_skip(const char *p, const char *end)
{
    size_t depth = 0;

    for (;;) {
        p = scan_structure(p, end);
        if (p == end) {
            return NULL;
        }
        switch (*p) {
        case '"':
            p = string_skip(p, end);
            if (!p) {
                return NULL;
            }
            break;
        case '{':
        case '[':
            depth++;
            p++;
            break;
        default:
            p++;
            if (--depth == 0) {
                return p;
            }
        }
    }
}

/* Numbers and literals, recognised by their letters only. */
static const char *scalar_skip(const char *p, const char *end)
{
    const char *behind = scan_scalar(p, end);

    return behind > p ? behind : NULL;
}

const char *slice_skip(const char *p, const char *end)
{
    if (p == end) {
        return NULL;
    }
    switch (*p) {
    case '"': return string_skip(p, end);
    case '{':
    case '[': return nested_skip(p, end);
    default: return scalar_skip(p, end);
    }
}

static enum slice_result slice_bad(struct slice *s, const char *at)
{
    s->p = s->end = at;
    return SLICE_BAD;
}

static bool slice_begin(struct slice *s, struct str json, bool array)
{
    const char *p = json.p ? json.p : "", *end = p + json.len;

    p = space_skip(p, end);
    *s = (struct slice){ .p = p, .end = end, .first = true, .array = array };
    if (p == end || *p != (array ? '[' : '{')) {
        (void)slice_bad(s, p);
        return false;
    }
    s->p = p + 1;
    return true;
}

bool slice_object(struct slice *s, struct str json)
{
    return slice_begin(s, json, false);
}

bool slice_array(struct slice *s, struct str json)
{
    return slice_begin(s, json, true);
}

/* Steps over what stands between values: SLICE_ITEM with p at the next one,
   or the end. */
static enum slice_result slice_next(struct slice *s)
{
    const char *p, *end = s->end;

    if (!s->p) {
        return SLICE_END;
    }
    p = space_skip(s->p, end);
    if (p == end) {
        return slice_bad(s, p);
    }
    if (*p == (s->array ? ']' : '}')) {
        p = space_skip(p + 1, end);
        if (p < end) {
            return slice_bad(s, p);
        }
        s->p = NULL;
        return SLICE_END;
    }
    if (!s->first) {
        if (*p != ',') {
            return slice_bad(s, p);
        }
        p = space_skip(p + 1, end);
    }
    s->first = false;
    s->p = p;
    return SLICE_ITEM;
}

/* The value at `p`. */
static enum slice_result slice_take(struct slice *s, const char *p,
                                    struct str *ret_value)
{
    const char *next = slice_skip(p, s->end);

    if (!next) {
        return slice_bad(s, p);
    }
    *ret_value = (struct str){ p, (size_t)(next - p) };
    s->p = next;
    return SLICE_ITEM;
}

enum slice_result slice_member(struct slice *s, struct str *ret_name,
                               struct str *ret_value)
{
    const char *p = s->p, *end = s->end, *behind;
    enum slice_result rc;
    struct str name;

    CHECK(!s->array);
    /* what our own writer makes needs no look for white space */
    if (p && end - p >= 2 && p[0] == ',' && p[1] == '"' && !s->first) {
        p++;
    } else {
        rc = slice_next(s);
        if (rc != SLICE_ITEM) {
            return rc;
        }
        p = s->p;
    }
    behind = p < end && *p == '"' ? string_skip(p, end) : NULL;
    if (!behind) {
        return slice_bad(s, p);
    }
    name = (struct str){ p + 1, (size_t)(behind - p) - 2 };
    p = space_skip(behind, end);
    if (p == end || *p != ':') {
        return slice_bad(s, p);
    }
    rc = slice_take(s, space_skip(p + 1, end), ret_value);
    if (rc == SLICE_ITEM) {
        *ret_name = name;
    }
    return rc;
}

enum slice_result slice_element(struct slice *s, struct str *ret_value)
{
    enum slice_result rc = slice_next(s);

    CHECK(s->array);
    return rc == SLICE_ITEM ? slice_take(s, s->p, ret_value) : rc;
}

bool slice_is_null(struct str value)
{
    return str_eq(value, STR("null"));
}

/* Four hexadecimal digits; -1 when they are not. */
static int hex4_read(const char *p, const char *end)
{
    int unit = 0;

    if (end - p < 4) {
        return -1;
    }
    for (unsigned i = 0; i < 4; i++) {
        char c = p[i], lower = (char)(c | 0x20);

        if (c >= '0' && c <= '9') {
            unit = unit * 16 + (c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            unit = unit * 16 + (lower - 'a' + 10);
        } else {
            return -1;
        }
    }
    return unit;
}

static void utf8_add(struct buf *b, unsigned code)
{
    char text[4];
    unsigned length = code < 0x80      ? 1
                      : code < 0x800   ? 2
                      : code < 0x10000 ? 3
                                       : 4;
    static const unsigned lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    for (unsigned i = length - 1; i > 0; i--) {
        text[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    text[0] = (char)(lead[length] | code);
    buf_add(b, text, length);
}

/* Decodes the digits behind "\u"; returns behind the escape, which is a pair
   for characters above the BMP, or NULL. */
static const char *unicode_decode(const char *p, const char *end, struct buf *b)
{
    int unit = hex4_read(p, end), low;

    if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) {
        return NULL;
    }
    p += 4;
    if (unit < 0xd800 || unit > 0xdfff) {
        utf8_add(b, (unsigned)unit);
        return p;
    }
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return NULL;
    }
    low = hex4_read(p + 2, end);
    if (low < 0xdc00 || low > 0xdfff) {
        return NULL;
    }
    utf8_add(b, 0x10000U + ((unsigned)(unit - 0xd800) << 10) +
                    (unsigned)(low - 0xdc00));
    return p + 6;
}

/* Decodes the escape at `p`, its backslash; returns behind it, or NULL. */
static const char *escape_decode(const char *p, const char *end, struct buf *b)
{
    if (end - p < 2) {
        return NULL;
    }
    switch (p[1]) {
    case '"':
    case '\\':
    case '/': buf_char(b, p[1]); break;
    case 'b': buf_char(b, '\b'); break;
    case 'f': buf_char(b, '\f'); break;
    case 'n': buf_char(b, '\n'); break;
    case 'r': buf_char(b, '\r'); break;
    case 't': buf_char(b, '\t'); break;
    case 'u': return unicode_decode(p + 2, end, b);
    default: return NULL;
    }
    return p + 2;
}

bool slice_string(struct str value, struct buf *b)
{
    size_t len = b->len;
    const char *p, *end;

    if (b->failed || value.len < 2 || value.p[0] != '"' ||
        value.p[value.len - 1] != '"') {
        return false;
    }
    p = value.p + 1;
    end = value.p + value.len - 1;
    while (p < end) {
        const char *run = p;

        p = scan_special(p, end);
        buf_add(b, run, (size_t)(p - run));
        if (p < end) {
            p = *p == '\\' ? escape_decode(p, end, b) : NULL;
        }
        if (!p || b->failed) {
            b->len = len;
            return false;
        }
    }
    return true;
}

bool slice_u64(struct str value, uint64_t *ret)
{
    uint64_t n = 0;

    if (value.len == 0 || value.len > 20 ||
        (value.len > 1 && value.p[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        char c = value.p[i];

        if (c < '0' || c > '9' || __builtin_mul_overflow(n, 10U, &n) ||
            __builtin_add_overflow(n, (unsigned)(c - '0'), &n)) {
            return false;
        }
    }
    *ret = n;
    return true;
}

bool slice_i64(struct str value, int64_t *ret)
{
    bool minus = value.len > 0 && value.p[0] == '-';
    uint64_t n;

    if (minus) {
        value.p++;
        value.len--;
    }
    if (!slice_u64(value, &n) || n > (uint64_t)INT64_MAX + minus) {
        return false;
    }
    *ret = (int64_t)(minus ? 0 - n : n);
    return true;
}

enum slice_result slice_find(struct str json, struct str name,
                             struct str *ret_value)
{
    struct slice s;
    struct str found, value;
    enum slice_result rc;

    if (!slice_object(&s, json)) {
        return SLICE_BAD;
    }
    while ((rc = slice_member(&s, &found, &value)) == SLICE_ITEM) {
        if (str_eq(found, name)) {
            *ret_value = value;
            return SLICE_ITEM;
        }
    }
    return rc;
}

/* links: producer_core */
/*
 * Any text as a value of any type. The first byte is the class, the second
 * the delimiter of an array or 0 for a scalar, the rest the text. What is
 * accepted must be valid JSON, on one line; json and jsonb, which pass
 * through, need only be on one line.
 */
#include "producer/pgtype.h"

enum { OUT_BYTES_MAX = 1 << 20, DEPTH_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A strict reader of the JSON that may come out, independent of ours. */
struct reader {
    const char *p, *end;
};

static bool take(struct reader *r, const char *literal)
{
    const size_t len = strlen(literal);

    if ((size_t)(r->end - r->p) < len || memcmp(r->p, literal, len) != 0) {
        return false;
    }
    r->p += len;
    return true;
}

static char peek(const struct reader *r)
{
    return r->p < r->end ? *r->p : '\0';
}

static bool take_digits(struct reader *r)
{
    const char *start = r->p;

    while (peek(r) >= '0' && peek(r) <= '9') {
        r->p++;
    }
    return r->p > start;
}

static bool take_number(struct reader *r)
{
    (void)take(r, "-");
    if (!take(r, "0") && !take_digits(r)) {
        return false;
    }
    if (take(r, ".") && !take_digits(r)) {
        return false;
    }
    if (take(r, "e") || take(r, "E")) {
        if (!take(r, "+")) {
            (void)take(r, "-");
        }
        return take_digits(r);
    }
    return true;
}

static bool take_unicode_escape(struct reader *r)
{
    if (r->end - r->p < 5 || strspn(r->p + 1, "0123456789ABCDEF") < 4) {
        return false;
    }
    r->p += 5;
    return true;
}

static bool take_string(struct reader *r)
{
    if (!take(r, "\"")) {
        return false;
    }
    while (peek(r) != '"') {
        if (r->p == r->end || (unsigned char)*r->p < 0x20) {
            return false;
        }
        if (*r->p++ == '\\') {
            if (peek(r) == 'u') {
                if (!take_unicode_escape(r)) {
                    return false;
                }
            } else if (peek(r) == '\0' ||
                       strchr("\"\\bfnrt", peek(r)) == NULL) {
                return false;
            } else {
                r->p++;
            }
        }
    }
    return take(r, "\"");
}

static bool take_scalar(struct reader *r)
{
    if (peek(r) == '"') {
        return take_string(r);
    }
    return take(r, "null") || take(r, "true") || take(r, "false") ||
           take_number(r);
}

/* A value, in which nested ones are counted by `open`. */
static bool take_value(struct reader *r)
{
    char open[DEPTH_MAX];
    unsigned depth = 0;

    for (;;) {
        bool ended = true;

        if (peek(r) == '[' || peek(r) == '{') {
            if (depth == DEPTH_MAX) {
                return false;
            }
            open[depth++] = *r->p++;
            if (peek(r) != ']' && peek(r) != '}') {
                ended = false;
            }
        } else if (!take_scalar(r)) {
            return false;
        }
        while (ended && depth > 0 && !take(r, ",")) {
            if (!take(r, open[depth - 1] == '[' ? "]" : "}")) {
                return false;
            }
            depth--;
        }
        if (depth == 0) {
            return true;
        }
        if (open[depth - 1] == '{' && (!take_string(r) || !take(r, ":"))) {
            return false;
        }
    }
}

static bool is_one_line(struct str s)
{
    return memchr(s.p, '\n', s.len) == NULL && memchr(s.p, '\r', s.len) == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf b;

    if (size < 2) {
        return 0;
    }
    const struct pgtype type = { .class = data[0] % SHAPE_CLASS_COUNT,
                                 .array = data[1] != 0,
                                 .delimiter = data[1] == ';' ? ';' : ',' };

    buf_init(&b, OUT_BYTES_MAX);
    pgtype_write(&b, &type, (struct str){ (const char *)data + 2, size - 2 });
    if (buf_ok(&b)) {
        const struct str out = buf_str(&b);
        struct reader r = { out.p, out.p + out.len };

        (void)buf_z(&b); /* for strspn */
        CHECK(is_one_line(out));
        CHECK(type.class == SHAPE_JSON || (take_value(&r) && r.p == r.end));
    }
    buf_fini(&b);
    return 0;
}

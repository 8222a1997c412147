#include "producer/pgarray.h"

#include "common/json.h"
#include "producer/pgquote.h"

enum { DEPTH_MAX = 6 }; /* PostgreSQL's MAXDIM */

/* What may stand at the cursor. */
enum expect {
    EXPECT_FIRST, /* behind '{': an item, or '}' of the empty array */
    EXPECT_ITEM,  /* behind a delimiter */
    EXPECT_NEXT,  /* behind an item: a delimiter or '}' */
    EXPECT_END,   /* behind the outermost '}' */
};

struct cursor {
    struct str rest;
    enum expect expect;
    unsigned depth;      /* open braces */
    unsigned leaf_depth; /* of the elements; 0 = none seen */
};

static void advance(struct cursor *c, size_t count)
{
    c->rest.p += count;
    c->rest.len -= count;
}

static size_t int_length(struct str s)
{
    size_t n = s.len > 0 && s.p[0] == '-' ? 1 : 0;
    const size_t start = n;

    while (n < s.len && s.p[n] >= '0' && s.p[n] <= '9') {
        n++;
    }
    return n > start ? n : 0;
}

/* Takes an int and the mark behind it. */
static bool skip_bound(struct cursor *c, char mark)
{
    const size_t length = int_length(c->rest);

    if (length == 0 || length == c->rest.len || c->rest.p[length] != mark) {
        return false;
    }
    advance(c, length + 1);
    return true;
}

/* "[1:2][-3:5]=" */
static bool skip_bounds(struct cursor *c)
{
    if (c->rest.len == 0 || c->rest.p[0] != '[') {
        return true;
    }
    while (c->rest.len > 0 && c->rest.p[0] == '[') {
        advance(c, 1);
        if (!skip_bound(c, ':') || !skip_bound(c, ']')) {
            return false;
        }
    }
    if (c->rest.len == 0 || c->rest.p[0] != '=') {
        return false;
    }
    advance(c, 1);
    return true;
}

static bool is_null(struct str s)
{
    return s.len == 4 && (s.p[0] | 0x20) == 'n' && (s.p[1] | 0x20) == 'u' &&
           (s.p[2] | 0x20) == 'l' && (s.p[3] | 0x20) == 'l';
}

/* hstore nests quotes in quotes: its own reader needs one level gone. */
static void write_hstore(struct buf *b, const struct pgtype *element,
                         struct str inner)
{
    struct buf plain;

    buf_init(&plain, inner.len);
    pgquote_runs(&plain, inner, buf_str_add);
    pgtype_write(b, element, buf_str(&plain));
    buf_fini(&plain);
}

/* "\\x00ff": nothing but the first backslash is doubled. */
static void write_bytea(struct buf *b, const struct pgtype *element,
                        struct str inner)
{
    if (inner.p[0] == '\\') {
        pgtype_write(b, element, (struct str){ inner.p + 1, inner.len - 1 });
    } else {
        b->failed = true;
    }
}

/* A quoted element with backslashes in it. */
static void write_escaped(struct buf *b, const struct pgtype *element,
                          struct str inner)
{
    switch (element->class) {
    case SHAPE_TEXT:
    case SHAPE_ENUM:
    case SHAPE_OTHER:
        buf_char(b, '"');
        pgquote_runs(b, inner, json_escape);
        buf_char(b, '"');
        break;
    case SHAPE_JSON: pgquote_runs(b, inner, json_one_line); break;
    case SHAPE_BYTEA: write_bytea(b, element, inner); break;
    case SHAPE_HSTORE: write_hstore(b, element, inner); break;
    case SHAPE_BOOL:
    case SHAPE_INT2:
    case SHAPE_INT4:
    case SHAPE_INT8:
    case SHAPE_OID:
    case SHAPE_FLOAT4:
    case SHAPE_FLOAT8:
    case SHAPE_NUMERIC:
    case SHAPE_UUID:
    case SHAPE_DATE:
    case SHAPE_TIMESTAMP:
    case SHAPE_TIMESTAMPTZ:
    case SHAPE_TIME:
    case SHAPE_BIT:
    case SHAPE_CLASS_COUNT:
        b->failed = true; /* nothing in their text wants a backslash */
        break;
    }
}

static bool write_quoted(struct buf *b, const struct pgtype *element,
                         struct cursor *c)
{
    struct str inner;
    bool escaped;

    if (!pgquote_cut(&c->rest, &inner, &escaped)) {
        return false;
    }
    if (escaped) {
        write_escaped(b, element, inner);
    } else {
        pgtype_write(b, element, inner);
    }
    return true;
}

static bool write_unquoted(struct buf *b, const struct pgtype *element,
                           char delimiter, struct cursor *c)
{
    const char *const start = c->rest.p;
    const char *const end = start + c->rest.len;
    const char *p = start;

    while (p < end && *p != delimiter && *p != '}') {
        if (*p == '"' || *p == '\\' || *p == '{') {
            return false; /* array_out would have quoted it */
        }
        p++;
    }
    const struct str text = { start, (size_t)(p - start) };

    if (text.len == 0) {
        return false;
    }
    advance(c, text.len);
    if (is_null(text)) {
        buf_lit(b, "null");
    } else {
        pgtype_write(b, element, text);
    }
    return true;
}

static bool write_element(struct buf *b, const struct pgtype *type,
                          struct cursor *c)
{
    const struct pgtype element = { .class = type->class };

    if (c->leaf_depth != 0 && c->leaf_depth != c->depth) {
        return false;
    }
    c->leaf_depth = c->depth;
    c->expect = EXPECT_NEXT;
    return c->rest.p[0] == '"'
               ? write_quoted(b, &element, c)
               : write_unquoted(b, &element, type->delimiter, c);
}

static bool open_brace(struct buf *b, struct cursor *c)
{
    if (c->depth == DEPTH_MAX) {
        return false;
    }
    c->depth++;
    c->expect = EXPECT_FIRST;
    advance(c, 1);
    buf_char(b, '[');
    return true;
}

static bool close_brace(struct buf *b, struct cursor *c)
{
    c->depth--;
    c->expect = c->depth == 0 ? EXPECT_END : EXPECT_NEXT;
    advance(c, 1);
    buf_char(b, ']');
    return true;
}

static bool next_item(struct buf *b, struct cursor *c)
{
    c->expect = EXPECT_ITEM;
    advance(c, 1);
    buf_char(b, ',');
    return true;
}

/* One token. False: this is no array. */
static bool step(struct buf *b, const struct pgtype *type, struct cursor *c)
{
    const char at = c->rest.p[0];

    switch (c->expect) {
    case EXPECT_FIRST:
        /* the empty array is "{}", in whatever dimensions it was made */
        if (at == '}') {
            return c->depth == 1 && close_brace(b, c);
        }
        return at == '{' ? open_brace(b, c) : write_element(b, type, c);
    case EXPECT_ITEM:
        return at == '{' ? open_brace(b, c) : write_element(b, type, c);
    case EXPECT_NEXT:
        if (at == '}') {
            return close_brace(b, c);
        }
        return at == type->delimiter && next_item(b, c);
    case EXPECT_END: break;
    }
    return false;
}

void pgarray_write(struct buf *b, const struct pgtype *type, struct str text)
{
    struct cursor c = { .rest = text };
    bool fine = skip_bounds(&c) && c.rest.len > 0 && c.rest.p[0] == '{' &&
                open_brace(b, &c);

    while (fine && c.rest.len > 0 && buf_ok(b)) {
        fine = step(b, type, &c);
    }
    if (!fine || c.expect != EXPECT_END) {
        b->failed = true;
    }
}

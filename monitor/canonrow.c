#include "monitor/canonrow.h"

#include <xxhash.h>

#include "common/json.h"

enum {
    ROW_BYTES_MAX = 1 << 30,
    HEAD_BYTES = 1 + sizeof(uint64_t), /* tag and length */
};

void canonrow_init(struct canonrow *r, const struct shape *shape)
{
    *r = (struct canonrow){
        .shape = shape,
        .count = shape->column_count,
        .key_count = shape->key_count,
        .columns = xcalloc(shape->column_count, sizeof(*r->columns)),
        .left_out = xcalloc(shape->column_count, sizeof(*r->left_out)),
        .key = xcalloc(shape->key_count, sizeof(*r->key)),
        .values = xcalloc(shape->column_count, sizeof(*r->values)),
        .starts = xcalloc(shape->column_count + 1, sizeof(*r->starts)),
    };
    for (unsigned i = 0; i < r->count; i++) {
        unsigned place = shape->columns[i].key_index;

        r->columns[i] = canon_column_of(&shape->columns[i], 0);
        if (place > 0 && place <= r->key_count) {
            r->key[place - 1] = i;
        }
    }
    canon_init(&r->scratch);
    buf_init(&r->row, ROW_BYTES_MAX);
    buf_init(&r->key_bytes, ROW_BYTES_MAX);
}

void canonrow_fini(struct canonrow *r)
{
    canon_fini(&r->scratch);
    buf_fini(&r->row);
    buf_fini(&r->key_bytes);
    xfree(r->columns);
    xfree(r->left_out);
    xfree(r->key);
    xfree(r->values);
    xfree(r->starts);
    *r = (struct canonrow){ 0 };
}

void canonrow_reset(struct canonrow *r)
{
    memset(r->values, 0, r->count * sizeof(*r->values));
}

/* Appends tag, length and canonical text of one column. */
static void column_make(struct canonrow *r, unsigned i)
{
    static const char tags[] = { [CANON_NULL] = 'n', [CANON_VALUE] = 'v' };
    size_t head = r->row.len;
    char zeros[HEAD_BYTES] = { 0 };
    enum canon_kind kind;
    uint64_t len;

    buf_add(&r->row, zeros, sizeof(zeros));
    kind = canon_value(&r->scratch, &r->row, &r->columns[i], r->side,
                       r->values[i]);
    if (!buf_ok(&r->row)) {
        return;
    }
    if (kind == CANON_BAD) {
        r->row.len = head + HEAD_BYTES;
        buf_str_add(&r->row, r->values[i]);
    }
    len = r->row.len - head - HEAD_BYTES;
    r->row.p[head] =
        kind == CANON_BAD ? (char)('0' + (int)r->side) : tags[kind];
    memcpy(r->row.p + head + 1, &len, sizeof(len));
}

static struct hash128 hash_of(const struct buf *b)
{
    XXH128_hash_t h = XXH3_128bits(b->len > 0 ? b->p : "", b->len);

    return (struct hash128){ h.low64, h.high64 };
}

void canonrow_make(struct canonrow *r, enum canon_side side)
{
    r->side = side;
    r->stray = (struct str){ 0 };
    buf_reset(&r->row);
    buf_reset(&r->key_bytes);
    for (unsigned i = 0; i < r->count; i++) {
        r->starts[i] = r->row.len;
        if (!r->left_out[i]) {
            column_make(r, i);
        }
    }
    r->starts[r->count] = r->row.len;
    for (unsigned i = 0; i < r->key_count; i++) {
        size_t at = r->starts[r->key[i]];

        buf_add(&r->key_bytes, r->row.p + at, r->starts[r->key[i] + 1] - at);
    }
    r->key_hash = hash_of(&r->key_bytes);
    r->row_hash = hash_of(&r->row);
}

void canonrow_make_stray(struct canonrow *r, enum canon_side side,
                         struct str id)
{
    r->side = side;
    r->stray = id;
    buf_reset(&r->row);
    buf_char(&r->row, 's');
    buf_char(&r->row, (char)('0' + (int)side));
    buf_str_add(&r->row, id);
    r->key_hash = r->row_hash = hash_of(&r->row);
}

/* What is shown of one column: a float's bits would say nothing. */
static struct str shown(const struct canonrow *r, unsigned column)
{
    size_t from = r->starts[column], to = r->starts[column + 1];
    enum shape_class class = r->columns[column].class;

    if (class == SHAPE_FLOAT4 || class == SHAPE_FLOAT8) {
        return r->values[column];
    }
    if (to < from + HEAD_BYTES) {
        return (struct str){ 0 };
    }
    return (struct str){ r->row.p + from + HEAD_BYTES, to - from - HEAD_BYTES };
}

static bool is_number(const struct canonrow *r, unsigned column)
{
    enum shape_class class = r->columns[column].class;

    return !r->columns[column].array && class >= SHAPE_BOOL &&
           class <= SHAPE_FLOAT8;
}

/* Cuts a text of UTF-8 without halving a character. */
static size_t cut(struct str s, size_t max)
{
    size_t len = s.len < max ? s.len : max;

    while (len < s.len && len > 0 && ((unsigned char)s.p[len] & 0xc0) == 0x80) {
        len--;
    }
    return len;
}

static void key_write(const struct canonrow *r, struct buf *b)
{
    if (r->stray.p) {
        buf_str_add(b, r->stray);
        return;
    }
    if (r->key_count > 1) {
        buf_char(b, '[');
    }
    for (unsigned i = 0; i < r->key_count; i++) {
        struct str s = shown(r, r->key[i]);

        if (i > 0) {
            buf_char(b, ',');
        }
        if (r->key_count == 1 || is_number(r, r->key[i])) {
            buf_str_add(b, s);
        } else {
            json_string(b, s);
        }
    }
    if (r->key_count > 1) {
        buf_char(b, ']');
    }
}

void canonrow_key_text(const struct canonrow *r, struct buf *b)
{
    struct buf text;
    struct str all;
    size_t len;

    buf_init(&text, ROW_BYTES_MAX);
    key_write(r, &text);
    all = buf_str(&text);
    len = cut(all, CANONROW_KEY_TEXT_MAX);
    buf_add(b, all.p, len);
    if (len < all.len) {
        buf_lit(b, "...");
    }
    buf_fini(&text);
}

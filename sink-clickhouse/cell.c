#include "sink-clickhouse/cell.h"

#include <math.h>

#include "common/json.h"
#include "common/slice.h"
#include "sink-clickhouse/moment.h"

enum {
    FLOAT_TEXT_MAX = 64, /* PostgreSQL prints at most 24 characters */
    LIMBS = 8,           /* of 32 bits: Decimal256 */
    CHUNK_DIGITS = 9,    /* decimal digits that fit a limb */
    UUID_TEXT_LENGTH = 36,
};

#define NOT_A_STRING "is not a JSON string"
#define NOT_A_NUMBER "is not an exact number of the column's type"

/* numeric(p,s) is Decimal(p,s) where ClickHouse has that type. PostgreSQL 15
   also has s < 0, whole numbers of p - s digits, and s > p: text. */
static struct cell_type decimal_type(int32_t typmod)
{
    int digits, scale;

    if (!shape_numeric(typmod, &digits, &scale)) {
        return (struct cell_type){ .kind = CELL_STRING };
    }
    if (scale < 0) {
        digits -= scale;
        scale = 0;
    }
    if (digits > CELL_DECIMAL_DIGITS_MAX || scale > digits) {
        return (struct cell_type){ .kind = CELL_STRING };
    }
    return (struct cell_type){
        .kind = CELL_DECIMAL,
        .width = digits <= 9    ? 4
                 : digits <= 18 ? 8
                 : digits <= 38 ? 16
                                : 32,
        .digits = digits,
        .scale = scale,
    };
}

static struct cell_type scalar_type(const struct shape_column *column)
{
    switch (column->class) {
    case SHAPE_BOOL: return (struct cell_type){ .kind = CELL_BOOL, .width = 1 };
    case SHAPE_INT2:
        return (struct cell_type){ .kind = CELL_INT16, .width = 2 };
    case SHAPE_INT4:
        return (struct cell_type){ .kind = CELL_INT32, .width = 4 };
    case SHAPE_INT8:
        return (struct cell_type){ .kind = CELL_INT64, .width = 8 };
    case SHAPE_OID:
        return (struct cell_type){ .kind = CELL_UINT32, .width = 4 };
    case SHAPE_FLOAT4:
        return (struct cell_type){ .kind = CELL_FLOAT32, .width = 4 };
    case SHAPE_FLOAT8:
        return (struct cell_type){ .kind = CELL_FLOAT64, .width = 8 };
    case SHAPE_NUMERIC: return decimal_type(column->typmod);
    case SHAPE_ENUM: return (struct cell_type){ .kind = CELL_LABEL };
    case SHAPE_UUID:
        return (struct cell_type){ .kind = CELL_UUID, .width = 16 };
    case SHAPE_DATE: return (struct cell_type){ .kind = CELL_DATE, .width = 4 };
    case SHAPE_TIMESTAMP:
    case SHAPE_TIMESTAMPTZ:
        return (struct cell_type){ .kind = CELL_TIMESTAMP, .width = 8 };
    case SHAPE_JSON:
    case SHAPE_HSTORE: return (struct cell_type){ .kind = CELL_JSON };
    case SHAPE_TEXT:
    case SHAPE_TIME:
    case SHAPE_BYTEA:
    case SHAPE_BIT:
    case SHAPE_OTHER:
    case SHAPE_CLASS_COUNT: break;
    }
    return (struct cell_type){ .kind = CELL_STRING };
}

struct cell_type cell_type_of(const struct shape_column *column)
{
    bool key = column->key_index > 0;
    struct cell_type t = { .kind = CELL_JSON };

    if (!column->array) {
        t = scalar_type(column);
    }
    t.nullable = !key;
    /* A json column that cannot be NULL: its null is the JSON value null. */
    t.null_is_text = !column->array && column->class == SHAPE_JSON &&
                     (key || !column->nullable);
    return t;
}

static void type_base(struct buf *b, const struct cell_type *t)
{
    switch (t->kind) {
    case CELL_BOOL: buf_lit(b, "Bool"); break;
    case CELL_INT16: buf_lit(b, "Int16"); break;
    case CELL_INT32: buf_lit(b, "Int32"); break;
    case CELL_INT64: buf_lit(b, "Int64"); break;
    case CELL_UINT32: buf_lit(b, "UInt32"); break;
    case CELL_FLOAT32: buf_lit(b, "Float32"); break;
    case CELL_FLOAT64: buf_lit(b, "Float64"); break;
    case CELL_DECIMAL:
        buf_printf(b, "Decimal(%d, %d)", t->digits, t->scale);
        break;
    case CELL_STRING:
    case CELL_LABEL:
    case CELL_JSON: buf_lit(b, "String"); break;
    case CELL_UUID: buf_lit(b, "UUID"); break;
    case CELL_DATE: buf_lit(b, "Date32"); break;
    case CELL_TIMESTAMP: buf_lit(b, "DateTime64(6, 'UTC')"); break;
    }
}

void cell_type_wire_name(struct buf *b, const struct cell_type *t)
{
    if (t->nullable) {
        buf_lit(b, "Nullable(");
    }
    type_base(b, t);
    if (t->nullable) {
        buf_lit(b, ")");
    }
}

void cell_type_name(struct buf *b, const struct cell_type *t)
{
    if (t->kind == CELL_LABEL) {
        buf_lit(b, "LowCardinality(");
    }
    cell_type_wire_name(b, t);
    if (t->kind == CELL_LABEL) {
        buf_lit(b, ")");
    }
}

void cell_varint(struct buf *b, uint64_t n)
{
    char text[10];
    size_t len = 0;

    while (n >= 0x80) {
        text[len++] = (char)(n | 0x80);
        n >>= 7;
    }
    text[len++] = (char)n;
    buf_add(b, text, len);
}

void cell_string(struct buf *b, struct str s)
{
    cell_varint(b, s.len);
    buf_str_add(b, s);
}

/* The low `width` bytes of a two's complement number, little endian. */
static void put_int(struct buf *b, uint64_t n, unsigned width)
{
    char bytes[8];

    for (unsigned i = 0; i < width; i++) {
        bytes[i] = (char)(n >> (8 * i));
    }
    buf_add(b, bytes, width);
}

static const char *put_bool(struct buf *b, struct str value)
{
    if (str_eq(value, STR("true"))) {
        buf_char(b, 1);
    } else if (str_eq(value, STR("false"))) {
        buf_char(b, 0);
    } else {
        return "is neither true nor false";
    }
    return NULL;
}

static const char *put_integer(struct buf *b, struct str value,
                               const struct cell_type *t)
{
    bool is_signed = t->kind != CELL_UINT32;
    int64_t max = (int64_t)(UINT64_MAX >> (64 - 8 * t->width + is_signed));
    int64_t min = is_signed ? -max - 1 : 0;
    int64_t n;

    if (!slice_i64(value, &n) || n < min || n > max) {
        return NOT_A_NUMBER;
    }
    put_int(b, (uint64_t)n, t->width);
    return NULL;
}

/* A number, or one of PostgreSQL's three words in quotes. strtod and strtof
   round to nearest, so PostgreSQL's shortest text comes back as the value
   it was printed from. (The process stays in the locale "C".) */
static bool float_read(struct str value, bool single, double *ret)
{
    char text[FLOAT_TEXT_MAX];
    char *end;

    if (str_eq(value, STR("\"NaN\""))) {
        *ret = (double)NAN;
    } else if (str_eq(value, STR("\"Infinity\""))) {
        *ret = (double)INFINITY;
    } else if (str_eq(value, STR("\"-Infinity\""))) {
        *ret = -(double)INFINITY;
    } else {
        if (value.len >= sizeof(text) || !json_is_number(value)) {
            return false;
        }
        memcpy(text, value.p, value.len);
        text[value.len] = '\0';
        *ret = single ? (double)strtof(text, &end) : strtod(text, &end);
        return end == text + value.len && isfinite(*ret);
    }
    return true;
}

static const char *put_float(struct buf *b, struct str value, bool single)
{
    double number;
    uint64_t bits = 0;

    if (!float_read(value, single, &number)) {
        return NOT_A_NUMBER;
    }
    if (single) {
        float narrow = (float)number;
        uint32_t half;

        memcpy(&half, &narrow, sizeof(half));
        bits = half;
    } else {
        memcpy(&bits, &number, sizeof(bits));
    }
    put_int(b, bits, single ? 4 : 8);
    return NULL;
}

/* number = number * 10^digits + add */
static void limbs_append(uint32_t limbs[LIMBS], unsigned digits, uint32_t add)
{
    static const uint32_t powers[] = { 1,         10,        100,     1000,
                                       10000,     100000,    1000000, 10000000,
                                       100000000, 1000000000 };
    uint64_t carry = add;

    for (unsigned i = 0; i < LIMBS; i++) {
        carry += (uint64_t)limbs[i] * powers[digits];
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void limbs_negate(uint32_t limbs[LIMBS])
{
    uint64_t carry = 1;

    for (unsigned i = 0; i < LIMBS; i++) {
        carry += (uint32_t)~limbs[i];
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* A decimal's digits without its point, as many as `scale` asks for behind
   it. False when they do not fit exactly. */
static bool decimal_digits(struct str text, const struct cell_type *t,
                           char digits[CELL_DECIMAL_DIGITS_MAX],
                           unsigned *ret_count)
{
    unsigned count = 0;
    int behind = -1; /* digits seen behind the point; -1 before it */

    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];

        if (c == '.' && behind < 0 && i > 0) {
            behind = 0;
            continue;
        }
        if (c < '0' || c > '9') {
            return false;
        }
        if (behind >= t->scale) {
            if (c != '0') {
                return false; /* more places than the column has */
            }
            continue;
        }
        behind += behind >= 0;
        if (count == 0 && c == '0') {
            continue; /* leading zeros are no digits */
        }
        if (count == (unsigned)t->digits) {
            return false;
        }
        digits[count++] = c;
    }
    for (behind = behind < 0 ? 0 : behind; count > 0 && behind < t->scale;
         behind++) {
        if (count == (unsigned)t->digits) {
            return false;
        }
        digits[count++] = '0';
    }
    *ret_count = count;
    return text.len > 0;
}

/* A decimal as an integer of `t->width` bytes, scaled. */
static const char *put_decimal(struct buf *b, struct str value,
                               const struct cell_type *t)
{
    char digits[CELL_DECIMAL_DIGITS_MAX];
    uint32_t limbs[LIMBS] = { 0 };
    unsigned count, next = 0;
    struct str text;
    bool minus;

    if (value.len < 3 || value.p[0] != '"') {
        return NOT_A_STRING;
    }
    text = (struct str){ value.p + 1, value.len - 2 };
    minus = text.p[0] == '-';
    text.p += minus;
    text.len -= minus;
    if (!decimal_digits(text, t, digits, &count)) {
        return "does not fit the Decimal column (NaN, Infinity or too many "
               "digits)";
    }
    while (next < count) {
        unsigned chunk =
            count - next < CHUNK_DIGITS ? count - next : CHUNK_DIGITS;
        uint32_t part = 0;

        for (unsigned i = 0; i < chunk; i++) {
            part = part * 10 + (uint32_t)(digits[next + i] - '0');
        }
        limbs_append(limbs, chunk, part);
        next += chunk;
    }
    if (minus) {
        limbs_negate(limbs);
    }
    for (unsigned i = 0; i < t->width / 4; i++) {
        put_int(b, limbs[i], 4);
    }
    return NULL;
}

static int hex_digit(char c)
{
    char lower = (char)(c | 0x20);

    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* ClickHouse keeps a UUID as two 64-bit halves, the high one first. */
static const char *put_uuid(struct buf *b, struct str value)
{
    uint64_t halves[2] = { 0 };
    unsigned digits = 0;

    if (value.len != UUID_TEXT_LENGTH + 2 || value.p[0] != '"') {
        return "is not a UUID";
    }
    for (unsigned i = 0; i < UUID_TEXT_LENGTH; i++) {
        char c = value.p[1 + i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        int digit = dash ? 0 : hex_digit(c);

        if (dash ? c != '-' : digit < 0) {
            return "is not a UUID";
        }
        if (!dash) {
            uint64_t *half = &halves[digits++ / 16];

            *half = *half << 4 | (unsigned)digit;
        }
    }
    put_int(b, halves[0], 8);
    put_int(b, halves[1], 8);
    return NULL;
}

static const char *put_text(struct buf *b, struct str value)
{
    size_t before = b->len, len;
    char *at;

    if (value.len < 2 || value.p[0] != '"') {
        return NOT_A_STRING;
    }
    len = value.len - 2;
    if (!memchr(value.p + 1, '\\', len)) {
        cell_string(b, (struct str){ value.p + 1, len });
        return NULL;
    }
    /* The decoded text is never longer: leave room for that length's varint,
       decode behind it, then close the gap. */
    at = buf_reserve(b, 10);
    if (!at) {
        return NULL; /* the buffer's failure is its owner's to see */
    }
    b->len += 10;
    if (!slice_string(value, b)) {
        bool full = b->failed;

        b->len = before;
        return full ? NULL : "is not a valid JSON string";
    }
    len = b->len - before - 10;
    b->len = before;
    cell_varint(b, len);
    memmove(b->p + b->len, b->p + before + 10, len);
    b->len += len;
    return NULL;
}

static const char *put_moment(struct buf *b, const struct cell_type *t,
                              struct str value)
{
    struct str text;
    const char *why;
    int64_t number;

    if (value.len < 2 || value.p[0] != '"') {
        return NOT_A_STRING;
    }
    text = (struct str){ value.p + 1, value.len - 2 };
    why = t->kind == CELL_DATE ? moment_days(text, &number)
                               : moment_us(text, &number);
    if (!why) {
        put_int(b, (uint64_t)number, t->width);
    }
    return why;
}

const char *cell_put(struct buf *b, const struct cell_type *t, struct str value)
{
    switch (t->kind) {
    case CELL_BOOL: return put_bool(b, value);
    case CELL_INT16:
    case CELL_INT32:
    case CELL_INT64:
    case CELL_UINT32: return put_integer(b, value, t);
    case CELL_FLOAT32: return put_float(b, value, true);
    case CELL_FLOAT64: return put_float(b, value, false);
    case CELL_DECIMAL: return put_decimal(b, value, t);
    case CELL_STRING:
    case CELL_LABEL: return put_text(b, value);
    case CELL_UUID: return put_uuid(b, value);
    case CELL_DATE:
    case CELL_TIMESTAMP: return put_moment(b, t, value);
    case CELL_JSON: break;
    }
    cell_string(b, value);
    return NULL;
}

void cell_put_null(struct buf *b, const struct cell_type *t)
{
    static const char zeros[32];

    buf_add(b, zeros, t->width > 0 ? t->width : 1); /* 1: an empty string */
}

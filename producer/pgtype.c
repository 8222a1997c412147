#include "producer/pgtype.h"

#include "common/json.h"
#include "producer/pgarray.h"
#include "producer/pghstore.h"
#include "producer/pgtime.h"

enum {
    INTEGER_BYTES_MAX = 20, /* -9223372036854775808 */
    UUID_BYTES = 36,
    HEX_PREFIX_BYTES = 2, /* "\x" */
};

static const struct {
    const char *name;
    enum shape_class class;
} catalog_types[] = {
    { "bool", SHAPE_BOOL },
    { "int2", SHAPE_INT2 },
    { "int4", SHAPE_INT4 },
    { "int8", SHAPE_INT8 },
    { "oid", SHAPE_OID },
    { "float4", SHAPE_FLOAT4 },
    { "float8", SHAPE_FLOAT8 },
    { "numeric", SHAPE_NUMERIC },
    { "text", SHAPE_TEXT },
    { "varchar", SHAPE_TEXT },
    { "bpchar", SHAPE_TEXT },
    { "char", SHAPE_TEXT },
    { "name", SHAPE_TEXT },
    { "uuid", SHAPE_UUID },
    { "date", SHAPE_DATE },
    { "timestamp", SHAPE_TIMESTAMP },
    { "timestamptz", SHAPE_TIMESTAMPTZ },
    { "time", SHAPE_TIME },
    { "timetz", SHAPE_TIME },
    { "json", SHAPE_JSON },
    { "jsonb", SHAPE_JSON },
    { "bytea", SHAPE_BYTEA },
    { "bit", SHAPE_BIT },
    { "varbit", SHAPE_BIT },
};

static enum shape_class class_of(const struct pgtype_catalog *c)
{
    if (c->typtype == 'e') {
        return SHAPE_ENUM;
    }
    if (c->typtype != 'b') {
        return SHAPE_OTHER;
    }
    if (strcmp(c->schema, "pg_catalog") != 0) {
        return strcmp(c->name, "citext") == 0   ? SHAPE_TEXT
               : strcmp(c->name, "hstore") == 0 ? SHAPE_HSTORE
                                                : SHAPE_OTHER;
    }
    for (size_t n = 0; n < COUNT_OF(catalog_types); n++) {
        if (strcmp(c->name, catalog_types[n].name) == 0) {
            return catalog_types[n].class;
        }
    }
    return SHAPE_OTHER;
}

struct pgtype pgtype_of(const struct pgtype_catalog *c)
{
    return (struct pgtype){ .class = class_of(c),
                            .array = c->array,
                            .delimiter = c->delimiter };
}

/* A text of harmless ASCII, which the caller has checked. */
static void write_plain_string(struct buf *b, struct str s)
{
    char *at = buf_reserve(b, s.len + 2);

    if (at == NULL) {
        return;
    }
    at[0] = '"';
    if (s.len > 0) {
        memcpy(at + 1, s.p, s.len);
    }
    at[s.len + 1] = '"';
    b->len += s.len + 2;
}

static void write_bool(struct buf *b, struct str s)
{
    if (s.len == 1 && s.p[0] == 't') {
        buf_lit(b, "true");
    } else if (s.len == 1 && s.p[0] == 'f') {
        buf_lit(b, "false");
    } else {
        b->failed = true;
    }
}

static bool is_integer(struct str s)
{
    size_t n = s.len > 0 && s.p[0] == '-' ? 1 : 0;

    if (s.len == n || s.len > INTEGER_BYTES_MAX ||
        (s.p[n] == '0' && s.len > 1)) {
        return false;
    }
    for (; n < s.len; n++) {
        if (s.p[n] < '0' || s.p[n] > '9') {
            return false;
        }
    }
    return true;
}

static void write_integer(struct buf *b, struct str s)
{
    if (is_integer(s)) {
        buf_str_add(b, s);
    } else {
        b->failed = true;
    }
}

static bool is_special_number(struct str s)
{
    return str_eq(s, STR("NaN")) || str_eq(s, STR("Infinity")) ||
           str_eq(s, STR("-Infinity"));
}

static void write_float(struct buf *b, struct str s)
{
    if (json_is_number(s)) {
        buf_str_add(b, s);
    } else if (is_special_number(s)) {
        write_plain_string(b, s);
    } else {
        b->failed = true;
    }
}

static void write_numeric(struct buf *b, struct str s)
{
    if (json_is_number(s) || is_special_number(s)) {
        write_plain_string(b, s);
    } else {
        b->failed = true;
    }
}

/* The type "char" holds one byte of any value, and servers before 15 print
   it raw, though half a UTF-8 character is no text. Such a byte becomes what
   newer servers print: a backslash and three octal digits. No other text is
   one byte long and not ASCII. */
static void write_text(struct buf *b, struct str s)
{
    const unsigned byte = s.len == 1 ? (unsigned char)s.p[0] : 0;

    if (byte < 0x80) {
        json_string(b, s);
        return;
    }
    const char octal[] = { '"',
                           '\\',
                           '\\',
                           (char)('0' + (byte >> 6)),
                           (char)('0' + (byte >> 3 & 7)),
                           (char)('0' + (byte & 7)),
                           '"' };

    buf_add(b, octal, sizeof(octal));
}

/* The value of a hex digit as PostgreSQL prints them; above 15 for others. */
static unsigned hex_digit(char c)
{
    static const unsigned char value_plus_1[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    };

    return value_plus_1[(unsigned char)c] - 1U;
}

static void write_uuid(struct buf *b, struct str s)
{
    bool fine = s.len == UUID_BYTES;

    for (size_t n = 0; fine && n < UUID_BYTES; n++) {
        const bool dash = n == 8 || n == 13 || n == 18 || n == 23;

        fine = dash ? s.p[n] == '-' : hex_digit(s.p[n]) < 16;
    }
    if (fine) {
        write_plain_string(b, s);
    } else {
        b->failed = true;
    }
}

static void write_json(struct buf *b, struct str s)
{
    if (s.len > 0) {
        json_one_line(b, s);
    } else {
        b->failed = true;
    }
}

/* Up to three bytes in hex -> four characters of base64. False: no hex. */
static bool base64_group(char *at, const char *hex, size_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned group = 0, bad = 0;

    for (size_t n = 0; n < 2 * bytes; n++) {
        const unsigned digit = hex_digit(hex[n]);

        bad |= digit;
        group = group << 4 | (digit & 15);
    }
    group <<= 8 * (3 - bytes);
    at[0] = digits[group >> 18];
    at[1] = digits[group >> 12 & 63];
    at[2] = bytes > 1 ? digits[group >> 6 & 63] : '=';
    at[3] = bytes > 2 ? digits[group & 63] : '=';
    return bad < 16;
}

static void write_bytea(struct buf *b, struct str s)
{
    if (s.len < HEX_PREFIX_BYTES || s.len % 2 != 0 || s.p[0] != '\\' ||
        s.p[1] != 'x') {
        b->failed = true;
        return;
    }
    const char *hex = s.p + HEX_PREFIX_BYTES;
    size_t bytes = (s.len - HEX_PREFIX_BYTES) / 2;
    const size_t length = (bytes + 2) / 3 * 4 + 2;
    char *at = buf_reserve(b, length);
    bool fine = true;

    if (at == NULL) {
        return;
    }
    *at++ = '"';
    for (; bytes >= 3 && fine; bytes -= 3, hex += 6, at += 4) {
        fine = base64_group(at, hex, 3);
    }
    if (bytes > 0 && fine) {
        fine = base64_group(at, hex, bytes);
        at += 4;
    }
    *at = '"';
    if (fine) {
        b->len += length;
    } else {
        b->failed = true;
    }
}

static void write_bits(struct buf *b, struct str s)
{
    for (size_t n = 0; n < s.len; n++) {
        if (s.p[n] != '0' && s.p[n] != '1') {
            b->failed = true;
            return;
        }
    }
    write_plain_string(b, s);
}

static void write_scalar(struct buf *b, enum shape_class class, struct str s)
{
    switch (class) {
    case SHAPE_BOOL: write_bool(b, s); break;
    case SHAPE_INT2:
    case SHAPE_INT4:
    case SHAPE_INT8:
    case SHAPE_OID: write_integer(b, s); break;
    case SHAPE_FLOAT4:
    case SHAPE_FLOAT8: write_float(b, s); break;
    case SHAPE_NUMERIC: write_numeric(b, s); break;
    case SHAPE_TEXT: write_text(b, s); break;
    case SHAPE_UUID: write_uuid(b, s); break;
    case SHAPE_DATE: pgtime_date(b, s); break;
    case SHAPE_TIMESTAMP: pgtime_timestamp(b, s, false); break;
    case SHAPE_TIMESTAMPTZ: pgtime_timestamp(b, s, true); break;
    case SHAPE_TIME: pgtime_clock(b, s); break;
    case SHAPE_JSON: write_json(b, s); break;
    case SHAPE_BYTEA: write_bytea(b, s); break;
    case SHAPE_BIT: write_bits(b, s); break;
    case SHAPE_HSTORE: pghstore_write(b, s); break;
    case SHAPE_ENUM:
    case SHAPE_OTHER: json_string(b, s); break;
    case SHAPE_CLASS_COUNT: b->failed = true; break;
    }
}

void pgtype_write(struct buf *b, const struct pgtype *type, struct str text)
{
    if (type->array) {
        pgarray_write(b, type, text);
    } else {
        write_scalar(b, type->class, text);
    }
}

#include "monitor/canon.h"

#include "common/json.h"
#include "common/slice.h"
#include "monitor/canonnest.h"

enum { FLOAT_TEXT_MAX = 64 };

void canon_init(struct canon *k)
{
    buf_init(&k->text, CANON_VALUE_BYTES_MAX);
    buf_init(&k->element, CANON_VALUE_BYTES_MAX);
    buf_init(&k->string, CANON_VALUE_BYTES_MAX);
}

void canon_fini(struct canon *k)
{
    buf_fini(&k->text);
    buf_fini(&k->element);
    buf_fini(&k->string);
}

struct canon_column canon_column_of(const struct shape_column *column,
                                    char delimiter)
{
    int digits, places;

    return (struct canon_column){
        .class = column->class,
        .array = column->array,
        .decimal = column->class == SHAPE_NUMERIC &&
                   shape_numeric(column->typmod, &digits, &places),
        .byte =
            column->class == SHAPE_TEXT && strcmp(column->type, "char") == 0,
        .delimiter = delimiter ? delimiter : ',',
    };
}

/* ---- numbers ------------------------------------------------------------ */

static size_t digits_at(struct str s, size_t at)
{
    size_t n = at;

    while (n < s.len && s.p[n] >= '0' && s.p[n] <= '9') {
        n++;
    }
    return n - at;
}

static bool add_integer(struct buf *b, struct str s)
{
    size_t sign = s.len > 0 && s.p[0] == '-';
    size_t digits = digits_at(s, sign);

    buf_str_add(b, s);
    return digits > 0 && sign + digits == s.len &&
           (s.p[sign] != '0' || s.len == 1);
}

static bool is_special(struct str s)
{
    return str_eq(s, STR("NaN")) || str_eq(s, STR("Infinity")) ||
           str_eq(s, STR("-Infinity"));
}

/* -001.500 -> -1.5; 0.00 and -0 -> 0 */
static bool add_decimal(struct buf *b, struct str s)
{
    size_t sign = s.len > 0 && s.p[0] == '-';
    size_t whole = digits_at(s, sign), places = 0;
    size_t at = sign, point = sign + whole;

    if (is_special(s)) {
        buf_str_add(b, s);
        return true;
    }
    if (point < s.len && s.p[point] == '.') {
        places = digits_at(s, point + 1);
        if (point + 1 + places != s.len || places == 0) {
            return false;
        }
    } else if (point != s.len) {
        return false;
    }
    while (whole > 1 && s.p[at] == '0') {
        at++;
        whole--;
    }
    while (places > 0 && s.p[point + places] == '0') {
        places--;
    }
    if (whole == 0) {
        return false;
    }
    if (sign && (places > 0 || whole > 1 || s.p[at] != '0')) {
        buf_char(b, '-');
    }
    buf_add(b, s.p + at, whole);
    if (places > 0) {
        buf_add(b, s.p + point, 1 + places);
    }
    return true;
}

/* A float's shortest texts differ (1e+100, 1e100): its bits do not. */
static bool add_float(struct buf *b, struct str s, bool single)
{
    char text[FLOAT_TEXT_MAX];
    char *end;

    if (is_special(s) || str_eq(s, STR("nan")) || str_eq(s, STR("inf")) ||
        str_eq(s, STR("-inf"))) {
        buf_str_add(b, s.p[0] == '-'            ? STR("-inf")
                       : (s.p[0] | 0x20) == 'n' ? STR("nan")
                                                : STR("inf"));
        return true;
    }
    if (s.len >= sizeof(text) || !json_is_number(s)) {
        return false;
    }
    memcpy(text, s.p, s.len);
    text[s.len] = '\0';
    if (single) {
        float number = strtof(text, &end);
        uint32_t bits;

        memcpy(&bits, &number, sizeof(bits));
        buf_printf(b, "%08x", bits);
    } else {
        double number = strtod(text, &end);
        uint64_t bits;

        memcpy(&bits, &number, sizeof(bits));
        buf_printf(b, "%016llx", (unsigned long long)bits);
    }
    return end == text + s.len;
}

static bool add_numeric(struct buf *b, const struct canon_column *c,
                        struct str s)
{
    if (c->decimal) {
        return add_decimal(b, s);
    }
    buf_str_add(b, s);
    return is_special(s) || json_is_number(s);
}

/* ---- PostgreSQL --------------------------------------------------------- */

/* 44 BC is the astronomical year -43. */
static bool add_year_bc(struct buf *b, struct str *s)
{
    size_t digits = digits_at(*s, 0);
    unsigned year = 0;

    for (size_t i = 0; i < digits && i < 9; i++) {
        year = year * 10 + (unsigned)(s->p[i] - '0');
    }
    if (year == 0) {
        return false;
    }
    buf_printf(b, "%s%04u", year > 1 ? "-" : "", year - 1);
    s->p += digits;
    s->len -= digits;
    return true;
}

/* 2019-07-09 02:28:57.1+00 -> 2019-07-09T02:28:57.1Z */
static bool add_pg_moment(struct buf *b, enum shape_class class, struct str s)
{
    size_t from;

    if (str_eq(s, STR("infinity")) || str_eq(s, STR("-infinity"))) {
        buf_str_add(b, s);
        return true;
    }
    if (s.len > 3 && memcmp(s.p + s.len - 3, " BC", 3) == 0) {
        s.len -= 3;
        if (!add_year_bc(b, &s)) {
            return false;
        }
    }
    if (class == SHAPE_TIMESTAMPTZ) {
        if (s.len < 3 || memcmp(s.p + s.len - 3, "+00", 3) != 0) {
            return false;
        }
        s.len -= 3;
    }
    from = b->len;
    buf_str_add(b, s);
    if (class != SHAPE_DATE) {
        char *space = buf_ok(b) ? memchr(b->p + from, ' ', s.len) : NULL;

        if (!space) {
            return false;
        }
        *space = 'T';
    }
    if (class == SHAPE_TIMESTAMPTZ) {
        buf_char(b, 'Z');
    }
    return true;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static bool add_pg_bytea(struct buf *b, struct str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0, held = 0;
    size_t written = 0;

    if (s.len < 2 || s.p[0] != '\\' || s.p[1] != 'x' || s.len % 2 != 0) {
        return false;
    }
    for (size_t i = 2; i < s.len; i++) {
        int digit = hex_value(s.p[i]);

        if (digit < 0) {
            return false;
        }
        bits = (bits << 4 | (unsigned)digit) & 0xffff;
        held += 4;
        if (held >= 6) {
            held -= 6;
            buf_char(b, digits[bits >> held & 63]);
            written++;
        }
    }
    if (held > 0) {
        buf_char(b, digits[bits << (6 - held) & 63]);
        written++;
    }
    for (; written % 4 != 0; written++) {
        buf_char(b, '=');
    }
    return true;
}

static bool add_pg_text(struct buf *b, const struct canon_column *c,
                        struct str s)
{
    unsigned byte = s.len == 1 ? (unsigned char)s.p[0] : 0;

    if (c->byte && byte >= 0x80) {
        buf_printf(b, "\\%03o", byte);
    } else {
        buf_str_add(b, s);
    }
    return true;
}

static bool add_pg_bool(struct buf *b, struct str s)
{
    bool yes = str_eq(s, STR("t"));

    buf_str_add(b, yes ? STR("true") : STR("false"));
    return yes || str_eq(s, STR("f"));
}

static bool scalar_pg(struct canon *k, struct buf *b,
                      const struct canon_column *c, struct str s)
{
    switch (c->class) {
    case SHAPE_BOOL: return add_pg_bool(b, s);
    case SHAPE_INT2:
    case SHAPE_INT4:
    case SHAPE_INT8:
    case SHAPE_OID: return add_integer(b, s);
    case SHAPE_FLOAT4: return add_float(b, s, true);
    case SHAPE_FLOAT8: return add_float(b, s, false);
    case SHAPE_NUMERIC: return add_numeric(b, c, s);
    case SHAPE_DATE:
    case SHAPE_TIMESTAMP:
    case SHAPE_TIMESTAMPTZ: return add_pg_moment(b, c->class, s);
    case SHAPE_JSON: canonnest_json(b, s); return true;
    case SHAPE_BYTEA: return add_pg_bytea(b, s);
    case SHAPE_HSTORE: return canonnest_pg_hstore(k, b, s);
    case SHAPE_TEXT: return add_pg_text(b, c, s);
    case SHAPE_ENUM:
    case SHAPE_UUID:
    case SHAPE_TIME:
    case SHAPE_BIT:
    case SHAPE_OTHER:
    case SHAPE_CLASS_COUNT: break;
    }
    buf_str_add(b, s);
    return true;
}

/* ---- Elasticsearch ------------------------------------------------------ */

static bool add_literal_bool(struct buf *b, struct str s)
{
    buf_str_add(b, s);
    return str_eq(s, STR("true")) || str_eq(s, STR("false"));
}

/* A number, or one of three words in quotes. */
static bool add_es_float(struct buf *b, struct str raw, bool single)
{
    if (raw.len > 2 && raw.p[0] == '"') {
        raw.p++;
        raw.len -= 2;
        return is_special(raw) && add_float(b, raw, single);
    }
    return json_is_number(raw) && add_float(b, raw, single);
}

/* A string of digits needs no decoding. */
static bool add_es_numeric(struct buf *b, const struct canon_column *c,
                           struct str raw)
{
    return raw.len > 2 && raw.p[0] == '"' &&
           add_numeric(b, c, (struct str){ raw.p + 1, raw.len - 2 });
}

static bool scalar_es(struct canon *k, struct buf *b,
                      const struct canon_column *c, struct str raw)
{
    switch (c->class) {
    case SHAPE_BOOL: return add_literal_bool(b, raw);
    case SHAPE_INT2:
    case SHAPE_INT4:
    case SHAPE_INT8:
    case SHAPE_OID: return add_integer(b, raw);
    case SHAPE_FLOAT4: return add_es_float(b, raw, true);
    case SHAPE_FLOAT8: return add_es_float(b, raw, false);
    case SHAPE_NUMERIC: return add_es_numeric(b, c, raw);
    case SHAPE_JSON: canonnest_json(b, raw); return true;
    case SHAPE_HSTORE: return canonnest_json_hstore(k, b, raw);
    case SHAPE_DATE:
    case SHAPE_TIMESTAMP:
    case SHAPE_TIMESTAMPTZ:
    case SHAPE_BYTEA:
    case SHAPE_TEXT:
    case SHAPE_ENUM:
    case SHAPE_UUID:
    case SHAPE_TIME:
    case SHAPE_BIT:
    case SHAPE_OTHER:
    case SHAPE_CLASS_COUNT: break;
    }
    return slice_string(raw, b);
}

/* ---- ClickHouse --------------------------------------------------------- */

/* 2019-07-09 02:28:57.100000 -> 2019-07-09T02:28:57.1 */
static bool add_ch_moment(struct buf *b, enum shape_class class, struct str s)
{
    enum { DATE_LENGTH = 10 };

    if (s.len <= DATE_LENGTH || s.p[DATE_LENGTH] != ' ') {
        return false;
    }
    if (memchr(s.p, '.', s.len)) {
        while (s.p[s.len - 1] == '0') {
            s.len--;
        }
        s.len -= s.p[s.len - 1] == '.';
    }
    buf_add(b, s.p, DATE_LENGTH);
    buf_char(b, 'T');
    buf_add(b, s.p + DATE_LENGTH + 1, s.len - DATE_LENGTH - 1);
    if (class == SHAPE_TIMESTAMPTZ) {
        buf_char(b, 'Z');
    }
    return true;
}

static bool scalar_ch(struct canon *k, struct buf *b,
                      const struct canon_column *c, struct str s)
{
    switch (c->class) {
    case SHAPE_BOOL: return add_literal_bool(b, s);
    case SHAPE_INT2:
    case SHAPE_INT4:
    case SHAPE_INT8:
    case SHAPE_OID: return add_integer(b, s);
    case SHAPE_FLOAT4: return add_float(b, s, true);
    case SHAPE_FLOAT8: return add_float(b, s, false);
    case SHAPE_NUMERIC: return add_numeric(b, c, s);
    case SHAPE_TIMESTAMP:
    case SHAPE_TIMESTAMPTZ: return add_ch_moment(b, c->class, s);
    case SHAPE_JSON: canonnest_json(b, s); return true;
    case SHAPE_HSTORE: return canonnest_json_hstore(k, b, s);
    case SHAPE_DATE:
    case SHAPE_BYTEA:
    case SHAPE_TEXT:
    case SHAPE_ENUM:
    case SHAPE_UUID:
    case SHAPE_TIME:
    case SHAPE_BIT:
    case SHAPE_OTHER:
    case SHAPE_CLASS_COUNT: break;
    }
    buf_str_add(b, s);
    return true;
}

/* ---- any ---------------------------------------------------------------- */

bool canon_scalar(struct canon *k, struct buf *b, const struct canon_column *c,
                  enum canon_side side, struct str raw)
{
    switch (side) {
    case CANON_PG: return scalar_pg(k, b, c, raw);
    case CANON_ES: return scalar_es(k, b, c, raw);
    case CANON_CH: return scalar_ch(k, b, c, raw);
    case CANON_SIDES: break;
    }
    return false;
}

enum canon_kind canon_value(struct canon *k, struct buf *b,
                            const struct canon_column *c, enum canon_side side,
                            struct str raw)
{
    size_t before = b->len;
    bool good;

    if (!raw.p || (side == CANON_ES && slice_is_null(raw))) {
        return CANON_NULL;
    }
    if (c->array) {
        good = side == CANON_PG ? canonnest_pg_array(k, b, c, raw)
                                : canonnest_json_array(k, b, c, raw);
    } else {
        good = canon_scalar(k, b, c, side, raw);
    }
    if (good && !c->array && c->class == SHAPE_JSON && b->len - before == 4 &&
        memcmp(b->p + before, "null", 4) == 0) {
        b->len = before;
        return CANON_NULL;
    }
    return good ? CANON_VALUE : CANON_BAD;
}

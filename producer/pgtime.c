#include "producer/pgtime.h"

enum {
    YEAR_DIGITS_MIN = 4,
    YEAR_DIGITS_MAX = 7, /* 5874897-12-31 is the last date */
    FRACTION_DIGITS_MAX = 6,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digit_count(struct str s)
{
    size_t n = 0;

    while (n < s.len && is_digit(s.p[n])) {
        n++;
    }
    return n;
}

static struct str str_from(struct str s, size_t at)
{
    return (struct str){ s.p + at, s.len - at };
}

/* `mark` and two digits, as in "-07" and ":59". */
static bool has_part(const char *p, char mark)
{
    return p[0] == mark && is_digit(p[1]) && is_digit(p[2]);
}

/* The length of the date that `s` begins with, 0 when it does not. */
static size_t date_length(struct str s)
{
    const size_t year = digit_count(s);

    if (year < YEAR_DIGITS_MIN || year > YEAR_DIGITS_MAX || s.len - year < 6 ||
        !has_part(s.p + year, '-') || !has_part(s.p + year + 3, '-')) {
        return 0;
    }
    return year + 6;
}

/* The length of the time of day that `s` begins with, 0 when it does not. */
static size_t clock_length(struct str s)
{
    const size_t seconds_end = 8;

    if (s.len < seconds_end || !is_digit(s.p[0]) || !is_digit(s.p[1]) ||
        !has_part(s.p + 2, ':') || !has_part(s.p + 5, ':')) {
        return 0;
    }
    if (s.len == seconds_end || s.p[seconds_end] != '.') {
        return seconds_end;
    }
    const size_t fraction = digit_count(str_from(s, seconds_end + 1));

    if (fraction == 0 || fraction > FRACTION_DIGITS_MAX) {
        return 0;
    }
    return seconds_end + 1 + fraction;
}

/* [+-]HH[:MM[:SS]], the whole of `s`. */
static bool is_offset(struct str s)
{
    if (s.len != 3 && s.len != 6 && s.len != 9) {
        return false;
    }
    if (!has_part(s.p, '+') && !has_part(s.p, '-')) {
        return false;
    }
    for (size_t at = 3; at < s.len; at += 3) {
        if (!has_part(s.p + at, ':')) {
            return false;
        }
    }
    return true;
}

/* Takes " BC" off the end. */
static bool cut_bc(struct str *s)
{
    const struct str bc = STR(" BC");

    if (s->len <= bc.len || memcmp(s->p + s->len - bc.len, bc.p, bc.len) != 0) {
        return false;
    }
    s->len -= bc.len;
    return true;
}

static bool is_infinity(struct str s)
{
    return str_eq(s, STR("infinity")) || str_eq(s, STR("-infinity"));
}

static void quoted(struct buf *b, struct str s)
{
    buf_char(b, '"');
    buf_str_add(b, s);
    buf_char(b, '"');
}

/* Year N BC is the astronomical year 1 - N. */
static void add_date_bc(struct buf *b, struct str date)
{
    const size_t digits = digit_count(date);
    unsigned year = 0;
    char text[YEAR_DIGITS_MAX] = "0000000";
    size_t at = YEAR_DIGITS_MAX;

    for (size_t n = 0; n < digits; n++) {
        year = year * 10 + (unsigned)(date.p[n] - '0');
    }
    if (year == 0) { /* there is none: 1 AD follows 1 BC */
        b->failed = true;
        return;
    }
    if (year > 1) {
        buf_char(b, '-');
    }
    for (unsigned left = year - 1; left > 0; left /= 10) {
        text[--at] = (char)('0' + left % 10);
    }
    if (at > YEAR_DIGITS_MAX - YEAR_DIGITS_MIN) {
        at = YEAR_DIGITS_MAX - YEAR_DIGITS_MIN;
    }
    buf_add(b, text + at, YEAR_DIGITS_MAX - at);
    buf_str_add(b, str_from(date, digits));
}

static void add_date(struct buf *b, struct str date, bool bc)
{
    if (bc) {
        add_date_bc(b, date);
    } else {
        buf_str_add(b, date);
    }
}

void pgtime_date(struct buf *b, struct str text)
{
    if (is_infinity(text)) {
        quoted(b, text);
        return;
    }
    const bool bc = cut_bc(&text);

    if (text.len == 0 || date_length(text) != text.len) {
        b->failed = true;
        return;
    }
    buf_char(b, '"');
    add_date(b, text, bc);
    buf_char(b, '"');
}

void pgtime_timestamp(struct buf *b, struct str text, bool zoned)
{
    const struct str utc = zoned ? STR("+00") : STR("");

    if (is_infinity(text)) {
        quoted(b, text);
        return;
    }
    const bool bc = cut_bc(&text);
    const size_t date = date_length(text);

    if (date == 0 || date == text.len || text.p[date] != ' ') {
        b->failed = true;
        return;
    }
    struct str clock = str_from(text, date + 1);
    const size_t length = clock_length(clock);

    if (length == 0 || !str_eq(str_from(clock, length), utc)) {
        b->failed = true;
        return;
    }
    clock.len = length;
    buf_char(b, '"');
    add_date(b, (struct str){ text.p, date }, bc);
    buf_char(b, 'T');
    buf_str_add(b, clock);
    if (zoned) {
        buf_char(b, 'Z');
    }
    buf_char(b, '"');
}

void pgtime_clock(struct buf *b, struct str text)
{
    const size_t length = clock_length(text);
    const bool whole = length == text.len;

    if (length == 0 || (!whole && !is_offset(str_from(text, length)))) {
        b->failed = true;
        return;
    }
    quoted(b, text);
}

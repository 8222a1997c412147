#include "sink-clickhouse/moment.h"

enum {
    YEAR_MIN = 1900,
    YEAR_MAX = 2299,
    SECONDS_PER_DAY = 86400,
    MICROS_PER_SECOND = 1000000,
};

#define NOT_A_DATE "is not a date"
#define NOT_A_TIMESTAMP "is not a timestamp"
#define OUT_OF_RANGE "is outside 1900-01-01 to 2299-12-31"

/* Exactly `count` digits at the front of `text`, which is cut by them. */
static bool digits_take(struct str *text, unsigned count, int64_t *ret)
{
    int64_t n = 0;

    if (text->len < count) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        char c = text->p[i];

        if (c < '0' || c > '9') {
            return false;
        }
        n = n * 10 + (c - '0');
    }
    text->p += count;
    text->len -= count;
    *ret = n;
    return true;
}

static bool char_take(struct str *text, char c)
{
    if (text->len == 0 || text->p[0] != c) {
        return false;
    }
    text->p++;
    text->len--;
    return true;
}

static int64_t month_days(int64_t year, int64_t month)
{
    static const int days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* Days since 1970-01-01 of a valid Gregorian date; the year counts from
   March, so that the leap day is its last (years here are positive). */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t day_of_year =
        (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

/* The date at the front of `text`, which is cut by it. */
static const char *date_take(struct str *text, int64_t *ret_days)
{
    int64_t year, month, day;
    size_t year_digits = 0;

    if (str_eq(*text, STR("infinity")) || str_eq(*text, STR("-infinity"))) {
        return "is infinite";
    }
    if (text->len > 0 && text->p[0] == '-') {
        return OUT_OF_RANGE; /* BC */
    }
    while (year_digits < text->len && text->p[year_digits] != '-') {
        year_digits++;
    }
    if (year_digits > 4) {
        return OUT_OF_RANGE;
    }
    if (!digits_take(text, 4, &year) || !char_take(text, '-') ||
        !digits_take(text, 2, &month) || !char_take(text, '-') ||
        !digits_take(text, 2, &day) || month < 1 || month > 12 || day < 1 ||
        day > month_days(year, month)) {
        return NOT_A_DATE;
    }
    if (year < YEAR_MIN || year > YEAR_MAX) {
        return OUT_OF_RANGE;
    }
    *ret_days = days_from_civil(year, month, day);
    return NULL;
}

const char *moment_days(struct str text, int64_t *ret_days)
{
    int64_t days;
    const char *why = date_take(&text, &days);

    if (why) {
        return why;
    }
    if (text.len > 0) {
        return NOT_A_DATE;
    }
    *ret_days = days;
    return NULL;
}

/* ".123" -> 123000; nothing at all is 0. */
static bool fraction_take(struct str *text, int64_t *ret_us)
{
    int64_t scale = MICROS_PER_SECOND, us = 0;

    if (char_take(text, '.')) {
        do {
            int64_t digit;

            scale /= 10;
            if (scale == 0 || !digits_take(text, 1, &digit)) {
                return false;
            }
            us += digit * scale;
        } while (text->len > 0 && text->p[0] != 'Z');
    }
    *ret_us = us;
    return true;
}

const char *moment_us(struct str text, int64_t *ret_us)
{
    int64_t days, hour, minute, second, fraction;
    const char *why = date_take(&text, &days);

    if (why) {
        return why;
    }
    if (!char_take(&text, 'T') || !digits_take(&text, 2, &hour) ||
        !char_take(&text, ':') || !digits_take(&text, 2, &minute) ||
        !char_take(&text, ':') || !digits_take(&text, 2, &second) ||
        !fraction_take(&text, &fraction)) {
        return NOT_A_TIMESTAMP;
    }
    (void)char_take(&text, 'Z');
    if (text.len > 0 || hour > 23 || minute > 59 || second > 59) {
        return NOT_A_TIMESTAMP;
    }
    *ret_us = (days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second) *
                  MICROS_PER_SECOND +
              fraction;
    return NULL;
}

/* links: sink_clickhouse_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sink-clickhouse/moment.h"

#define DAY_US 86400000000LL
#define UNTOUCHED 77

struct moment_case {
    const char *text;
    int64_t number;
    const char *why; /* NULL: number */
};

#define RANGE "is outside 1900-01-01 to 2299-12-31"
#define DATE "is not a date"
#define STAMP "is not a timestamp"

static void test_days(void **state)
{
    static const struct moment_case cases[] = {
        { "1970-01-01", 0, NULL },
        { "1970-01-02", 1, NULL },
        { "1969-12-31", -1, NULL },
        { "2000-02-29", 11016, NULL },
        { "2000-03-01", 11017, NULL },
        { "2017-09-15", 17424, NULL },
        { "1900-01-01", -25567, NULL }, /* the first of Date32 */
        { "2299-12-31", 120529, NULL }, /* the last */
        { "1900-02-28", -25509, NULL },
        { "1900-03-01", -25508, NULL }, /* no leap year */
        { "1899-12-31", UNTOUCHED, RANGE },
        { "2300-01-01", UNTOUCHED, RANGE },
        { "0001-01-01", UNTOUCHED, RANGE },
        { "9999-12-31", UNTOUCHED, RANGE },
        { "12017-09-15", UNTOUCHED, RANGE },
        { "5874897-12-31", UNTOUCHED, RANGE },
        { "-0043-03-15", UNTOUCHED, RANGE },
        { "infinity", UNTOUCHED, "is infinite" },
        { "-infinity", UNTOUCHED, "is infinite" },
        { "1900-02-29", UNTOUCHED, DATE },
        { "2017-13-01", UNTOUCHED, DATE },
        { "2017-00-01", UNTOUCHED, DATE },
        { "2017-01-00", UNTOUCHED, DATE },
        { "2017-04-31", UNTOUCHED, DATE },
        { "2017-09-15T00:00:00", UNTOUCHED, DATE },
        { "2017-9-15", UNTOUCHED, DATE },
        { "17-09-15", UNTOUCHED, DATE },
        { "2017-09-1", UNTOUCHED, DATE },
        { "2017/09/15", UNTOUCHED, RANGE }, /* reads as a long year */
        { "", UNTOUCHED, DATE },
        { "-", UNTOUCHED, RANGE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t number = UNTOUCHED;
        const char *why = moment_days(str_of(cases[i].text), &number);

        if ((why == NULL) != (cases[i].why == NULL) ||
            (why && strcmp(why, cases[i].why) != 0) ||
            number != cases[i].number) {
            fail_msg("\"%s\": %lld, %s", cases[i].text, (long long)number,
                     why ? why : "no reason");
        }
    }
}

static void test_us(void **state)
{
    static const struct moment_case cases[] = {
        { "1970-01-01T00:00:00", 0, NULL },
        { "1970-01-01T00:00:00Z", 0, NULL },
        { "1970-01-01T00:00:00.000001", 1, NULL },
        { "1970-01-01T00:00:00.1", 100000, NULL },
        { "1970-01-01T00:00:00.12Z", 120000, NULL },
        { "1969-12-31T23:59:59.999999Z", -1, NULL },
        { "2019-07-09T02:28:57.123456", 1562639337123456, NULL },
        { "1900-01-01T00:00:00", -25567 * DAY_US, NULL },
        { "2299-12-31T23:59:59.999999", 120530 * DAY_US - 1, NULL },
        { "1899-12-31T23:59:59.999999", UNTOUCHED, RANGE },
        { "2300-01-01T00:00:00Z", UNTOUCHED, RANGE },
        { "-4713-11-24T00:00:00", UNTOUCHED, RANGE },
        { "294276-12-31T23:59:59.999999", UNTOUCHED, RANGE },
        { "infinity", UNTOUCHED, "is infinite" },
        { "-infinity", UNTOUCHED, "is infinite" },
        { "2019-07-09T02:28:57.", UNTOUCHED, STAMP },
        { "2019-07-09T02:28:57.Z", UNTOUCHED, STAMP },
        { "2019-07-09T02:28:57.1234567", UNTOUCHED, STAMP },
        { "2019-07-09T02:28:57+00", UNTOUCHED, STAMP },
        { "2019-07-09T02:28:57ZZ", UNTOUCHED, STAMP },
        { "2019-07-09T24:00:00", UNTOUCHED, STAMP },
        { "2019-07-09T23:60:00", UNTOUCHED, STAMP },
        { "2019-07-09T23:59:60", UNTOUCHED, STAMP },
        { "2019-07-09 02:28:57", UNTOUCHED, STAMP },
        { "2019-07-09T02:28", UNTOUCHED, STAMP },
        { "2019-07-09", UNTOUCHED, STAMP },
        { "2019-02-29T00:00:00", UNTOUCHED, DATE },
        { "", UNTOUCHED, DATE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t number = UNTOUCHED;
        const char *why = moment_us(str_of(cases[i].text), &number);

        if ((why == NULL) != (cases[i].why == NULL) ||
            (why && strcmp(why, cases[i].why) != 0) ||
            number != cases[i].number) {
            fail_msg("\"%s\": %lld, %s", cases[i].text, (long long)number,
                     why ? why : "no reason");
        }
    }
}

/* Each day of the range follows the one before it. */
static void test_every_day(void **state)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31 };
    int64_t expected = -25567;

    (void)state;
    for (int year = 1900; year <= 2299; year++) {
        for (int month = 1; month <= 12; month++) {
            int leap = month == 2 && year % 4 == 0 &&
                       (year % 100 != 0 || year % 400 == 0);

            for (int day = 1; day <= lengths[month - 1] + leap; day++) {
                char text[64];
                int64_t days = UNTOUCHED;

                (void)snprintf(text, sizeof(text), "%04d-%02d-%02d", year,
                               month, day);
                assert_null(moment_days(str_of(text), &days));
                assert_int_equal(days, expected);
                expected++;
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_us),
        cmocka_unit_test(test_every_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "common/clock.h"

#include <limits.h>
#include <sys/random.h>
#include <time.h>

int64_t clock_ms(void)
{
    struct timespec ts;

    CHECK(clock_gettime(CLOCK_BOOTTIME, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_wall_us(void)
{
    struct timespec ts;

    CHECK(clock_gettime(CLOCK_REALTIME, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int clock_left_ms(int64_t deadline_ms)
{
    int64_t now = clock_ms();

    if (deadline_ms <= now) {
        return 0;
    }
    /* `now` is never negative, so this cannot overflow */
    return deadline_ms - now > INT_MAX ? INT_MAX : (int)(deadline_ms - now);
}

/* Days since 1970-01-01 to year, month, day in the proleptic Gregorian
   calendar. Counts from 0000-03-01 in eras of 400 years, so that the leap day
   is a year's last (H. Hinnant, "chrono-compatible low-level date
   algorithms"). */
static void civil_of_days(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t doe = shifted - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

void clock_rfc3339(struct buf *b, int64_t wall_us)
{
    int64_t ms = wall_us / 1000 - (wall_us % 1000 < 0);
    int64_t days = ms / 86400000 - (ms % 86400000 < 0);
    int rest = (int)(ms - days * 86400000);
    int64_t year;
    int month, day;

    civil_of_days(days, &year, &month, &day);
    buf_printf(b, "%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ", (long long)year,
               month, day, rest / 3600000, rest / 60000 % 60, rest / 1000 % 60,
               rest % 1000);
}

/* Any number will do, so a dry pool of entropy is no error. */
static uint32_t random_u32(void)
{
    uint32_t n;

    if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != (ssize_t)sizeof(n)) {
        n = (uint32_t)clock_wall_us();
    }
    return n;
}

int backoff_next(struct backoff *k)
{
    int64_t wait = k->min_ms > 0 ? k->min_ms : 1;

    for (unsigned i = 0; i < k->attempt && wait < k->max_ms; i++) {
        wait *= 2;
    }
    if (wait > k->max_ms && k->max_ms > 0) {
        wait = k->max_ms;
    }
    if (k->attempt < UINT_MAX) {
        k->attempt++;
    }
    return (int)(wait - random_u32() % (wait / 2 + 1));
}

void backoff_reset(struct backoff *k)
{
    k->attempt = 0;
}

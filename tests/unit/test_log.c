/* links: cdc_base */
/* log.h: the line, its quoting, both formats, levels, counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"

static char line[128 * 1024];
static int saved_stderr = -1, log_file = -1;

/* What went to stderr since the last call, without the time stamp. */
static const char *logged(void)
{
    ssize_t n = pread(log_file, line, sizeof(line) - 1, 0);
    char *level;

    assert_true(n >= 0);
    line[n] = '\0';
    assert_int_equal(ftruncate(log_file, 0), 0);
    assert_true(lseek(log_file, 0, SEEK_SET) == 0);
    level = strstr(line, "level");
    return level ? level : line;
}

static int begin(void **state)
{
    char path[] = "/tmp/test_log.XXXXXX";

    (void)state;
    log_file = mkstemp(path);
    saved_stderr = dup(STDERR_FILENO);
    if (log_file < 0 || saved_stderr < 0 || unlink(path) < 0) {
        return -1;
    }
    return dup2(log_file, STDERR_FILENO) < 0;
}

static int end(void **state)
{
    (void)state;
    return dup2(saved_stderr, STDERR_FILENO) < 0;
}

static void logfmt(void **state)
{
    (void)state;
    log_init("producer", LOG_INFO, LOG_LOGFMT);
    log_info("slot created", "slot=%s lsn=%X/%X", "cdc", 1U, 0x1a2bU);
    assert_string_equal(logged(), "level=INFO component=producer "
                                  "msg=\"slot created\" slot=cdc lsn=1/1A2B\n");
    assert_memory_equal(line, "ts=2", 4);
    log_error("stopped", "");
    assert_string_equal(logged(),
                        "level=ERROR component=producer msg=stopped\n");
    log_warn("odd", "a=%s b=%s c=%d d=%s", "x y=z", "", -5, "k=v");
    assert_string_equal(logged(),
                        "level=WARN component=producer msg=odd a=\"x y=z\" "
                        "b=\"\" c=-5 d=\"k=v\"\n");
}

static void slips_in_a_format_cost_nothing(void **state)
{
    (void)state;
    log_init("p", LOG_INFO, LOG_LOGFMT);
    log_info("m", "a=%d no %s b=%d", 1, "key", 2);
    assert_string_equal(logged(), "level=INFO component=p msg=m a=1 text=no "
                                  "text=key b=2\n");
    log_info("m", "a=%s  b=%s", "1", "2");
    assert_string_equal(logged(), "level=INFO component=p msg=m a=1 "
                                  "text=\"\" b=2\n");
}

static void values_cannot_forge(void **state)
{
    (void)state;
    log_init("p", LOG_INFO, LOG_LOGFMT);
    log_info("m", "a=%s b=%s",
             "1\nlevel=ERROR msg=\"x\" \x1b[31m\x7f\xc2\x9b\xff \\",
             "\xc3\xa9\xf0\x9f\x98\x80");
    assert_string_equal(
        logged(), "level=INFO component=p msg=m "
                  "a=\"1\\nlevel=ERROR msg=\\\"x\\\" \\u001B[31m\\u007F"
                  "\\u00C2\\u009B\\u00FF \\\\\" b=\xc3\xa9\xf0\x9f\x98\x80\n");
}

static void json(void **state)
{
    (void)state;
    log_init("sink-es", LOG_DEBUG, LOG_JSON);
    log_debug("batch done", "rows=%d took=%.1f id=%s name=%s lsn=%X/%X", 12,
              1.5, "77", "a\"b", 1U, 2U);
    assert_string_equal(logged(),
                        "level\":\"DEBUG\",\"component\":\"sink-es\","
                        "\"msg\":\"batch done\",\"rows\":12,\"took\":1.5,"
                        "\"id\":\"77\",\"name\":\"a\\\"b\",\"lsn\":\"1/2\"}\n");
    assert_memory_equal(line, "{\"ts\":\"2", 8);
}

static void levels(void **state)
{
    enum log_level level = LOG_WARN;
    enum log_format format = LOG_JSON;
    unsigned long errors = log_count(LOG_ERROR), infos = log_count(LOG_INFO);

    (void)state;
    log_init("p", LOG_WARN, LOG_LOGFMT);
    log_info("hidden", "");
    assert_string_equal(logged(), "");
    log_error("shown", "n=%d", 1);
    assert_string_equal(logged(), "level=ERROR component=p msg=shown n=1\n");
    assert_int_equal(log_count(LOG_ERROR), errors + 1);
    assert_int_equal(log_count(LOG_INFO), infos);
    assert_true(log_level_parse("debug", &level) && level == LOG_DEBUG);
    assert_true(log_level_parse("error", &level) && level == LOG_ERROR);
    assert_false(log_level_parse("ERROR", &level));
    assert_false(log_level_parse("", &level));
    assert_int_equal(level, LOG_ERROR);
    assert_true(log_format_parse("logfmt", &format) && format == LOG_LOGFMT);
    assert_true(log_format_parse("json", &format) && format == LOG_JSON);
    assert_false(log_format_parse("text", &format));
}

static void long_values_are_cut(void **state)
{
    static char value[20000];
    const char *text;

    (void)state;
    log_init("p", LOG_INFO, LOG_LOGFMT);
    memset(value, '\n', sizeof(value) - 1); /* two bytes each when escaped */
    log_info("m", "a=%s b=%s", value, "lost");
    text = logged();
    assert_true(strlen(text) < 20000);
    assert_string_equal(text + strlen(text) - 11, "\\n\\n\" b=\"\"\n");
}

/* CLOCK_BOOTTIME as the tests want it. */
static int64_t later_ms;

int clock_gettime(clockid_t id, struct timespec *ts)
{
    int rc = (int)syscall(SYS_clock_gettime, id, ts);

    if (id == CLOCK_BOOTTIME) {
        ts->tv_sec += later_ms / 1000;
    }
    return rc;
}

static void say(const char *what, int n)
{
    log_warn("again", "what=%s n=%d", what, n);
}

static void repeats_are_counted(void **state)
{
    unsigned long before = log_count(LOG_WARN);

    (void)state;
    log_init("p", LOG_INFO, LOG_LOGFMT);
    say("a", 1);
    assert_string_equal(logged(),
                        "level=WARN component=p msg=again what=a n=1\n");
    for (int i = 0; i < 5; i++) {
        say("a", 1);
    }
    assert_string_equal(logged(), "");
    say("a", 2); /* says something else */
    assert_string_equal(logged(),
                        "level=WARN component=p msg=again what=a n=2\n");
    log_warn("again", "what=%s n=%d", "a", 1); /* from another place */
    assert_string_equal(logged(),
                        "level=WARN component=p msg=again what=a n=1\n");
    assert_int_equal(log_count(LOG_WARN), before + 8);
    log_tell_suppressed(); /* the window is not over */
    assert_string_equal(logged(), "");
    later_ms += LOG_WINDOW_MS;
    say("a", 1);
    assert_string_equal(
        logged(), "level=WARN component=p msg=again what=a n=1 suppressed=5\n");
    log_tell_suppressed(); /* told already */
    assert_string_equal(logged(), "");
}

static void silence_tells_too(void **state)
{
    (void)state;
    log_init("p", LOG_INFO, LOG_JSON);
    later_ms += LOG_WINDOW_MS;
    say("b", 1);
    say("b", 1);
    (void)logged();
    later_ms += LOG_WINDOW_MS;
    log_tell_suppressed();
    assert_string_equal(logged(), "level\":\"WARN\",\"component\":\"p\","
                                  "\"msg\":\"again\",\"suppressed\":1}\n");
    log_tell_suppressed();
    assert_string_equal(logged(), "");
}

/* Every line says something else, and still one place must not fill a disk. */
static void a_flood_is_cut(void **state)
{
    unsigned lines = 0;

    (void)state;
    log_init("p", LOG_INFO, LOG_LOGFMT);
    later_ms += LOG_WINDOW_MS;
    for (int i = 0; i < LOG_LINES_MAX + 50; i++) {
        say("flood", i);
        lines += logged()[0] != '\0';
    }
    assert_int_equal(lines, LOG_LINES_MAX);
    later_ms += LOG_WINDOW_MS;
    say("flood", 0);
    assert_non_null(strstr(logged(), " suppressed=50\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(logfmt, begin, end),
        cmocka_unit_test_setup_teardown(slips_in_a_format_cost_nothing, begin,
                                        end),
        cmocka_unit_test_setup_teardown(values_cannot_forge, begin, end),
        cmocka_unit_test_setup_teardown(json, begin, end),
        cmocka_unit_test_setup_teardown(levels, begin, end),
        cmocka_unit_test_setup_teardown(long_values_are_cut, begin, end),
        cmocka_unit_test_setup_teardown(repeats_are_counted, begin, end),
        cmocka_unit_test_setup_teardown(silence_tells_too, begin, end),
        cmocka_unit_test_setup_teardown(a_flood_is_cut, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

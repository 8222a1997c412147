/* links: cdc_base */
/* confhelp.h, and what main prints: --version, failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "common/confhelp.h"
#include "common/log.h"
#include "tests/unit/confrig.h"

static void help(void **state)
{
    struct buf b;
    const char *line, *text;

    (void)state;
    buf_init(&b, 1 << 20);
    confhelp_write(&b, &program);
    text = buf_z(&b);
    assert_memory_equal(text,
                        "cdc-test - tests options\n\nUsage: cdc-test "
                        "[COMMAND] [OPTION...]\n\nExamples:\n  cdc-test "
                        "check\n\nCommands:\n  run (the default)\n      go\n"
                        "  check\n      look\n  config\n      show the",
                        165);
    for (line = text; *line; line += strcspn(line, "\n") + 1) {
        assert_in_range(strcspn(line, "\n"), 0, 80);
    }
    assert_non_null(strstr(text, "\nsource:\n  --url TEXT\n      postgresql"));
    assert_non_null(strstr(text, "[T_URL or T_URL_FILE; required]"));
    assert_non_null(strstr(text, "[T_SIZE; -1 to 1000; default 100]"));
    assert_non_null(strstr(text, "\n  T_OPTIONAL\n"));
    assert_non_null(strstr(text, "KAFKA_BROKERS"));
    /* a group of two tables comes once: general has name and optional */
    assert_null(strstr(strstr(text, "\ngeneral:\n") + 1, "\ngeneral:\n"));
    assert_non_null(strstr(text, "\nfor the command check prove:\n  "
                                 "--thorough\n"));
    assert_non_null(strstr(text, "\nsinks.a:\n  --delay DURATION\n"));
    assert_null(strstr(text, "of.others"));
    assert_non_null(strstr(text, "\n  -c, --config FILE\n"));
    assert_non_null(strstr(text, "Exit codes: 0 ok"));
    buf_fini(&b);
}

static void failures(void **state)
{
    static const struct {
        enum err_kind kind;
        int code;
        const char *want;
    } cases[] = {
        { ERR_USAGE, 64, "cdc-test: no such\nTry 'cdc-test --help'.\n" },
        { ERR_CONFIG, 78, "msg=\"cdc-test ends\" error=\"no such\"\n" },
        { ERR_UNREACHABLE, 69, "msg=\"cdc-test ends\" error=\"no such\"\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char out[500];
        int fds[2], saved = dup(STDERR_FILENO);
        ssize_t n;

        log_init("test", LOG_ERROR, LOG_LOGFMT);
        assert_int_equal(pipe(fds), 0);
        assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
        (void)err_set(&e, cases[i].kind, "no such");
        assert_int_equal(conf_fail(&program, &e), cases[i].code);
        (void)dup2(saved, STDERR_FILENO);
        n = read(fds[0], out, sizeof(out) - 1);
        assert_true(n > 0);
        out[n] = '\0';
        assert_non_null(strstr(out, cases[i].want));
        (void)close(fds[0]);
        (void)close(fds[1]);
        (void)close(saved);
    }
}

static void help_and_version_print(void **state)
{
    char out[20000];

    (void)state;
    (void)unsetenv("T_URL"); /* nothing is required for these */
    assert_int_equal(printed("--version", out, sizeof(out)), 0);
    assert_memory_equal(out, "cdc-test " CDC_VERSION " (", 16);
    assert_int_equal(printed("-V", out, sizeof(out)), 0);
    assert_memory_equal(out, "cdc-test " CDC_VERSION " (", 16);
    assert_int_equal(printed("check --unknown --help", out, sizeof(out)), 0);
    assert_memory_equal(out, "cdc-test - tests options\n", 25);
    assert_int_equal(printed("help", out, sizeof(out)), 0);
    assert_memory_equal(out, "cdc-test - tests options\n", 25);
    assert_int_equal(printed("version", out, sizeof(out)), 0);
    assert_memory_equal(out, "cdc-test " CDC_VERSION " (", 16);
    assert_int_equal(printed("-h", out, sizeof(out)), 0);
    assert_memory_equal(out, "cdc-test - tests options\n", 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(help, begin, end),
        cmocka_unit_test_setup_teardown(failures, begin, end),
        cmocka_unit_test_setup_teardown(help_and_version_print, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

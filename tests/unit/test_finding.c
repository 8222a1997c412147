/* links: cdc_base */
/* finding.h: what is printed, and which failure is the worst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "common/finding.h"

static char out[4000];

/* Runs `say` with stdout in a pipe. */
static void captured(void (*say)(void))
{
    int fds[2], saved = dup(STDOUT_FILENO);
    ssize_t n;

    (void)fflush(stdout);
    assert_int_equal(pipe(fds), 0);
    assert_true(dup2(fds[1], STDOUT_FILENO) >= 0);
    say();
    (void)fflush(stdout);
    (void)dup2(saved, STDOUT_FILENO);
    (void)close(saved);
    (void)close(fds[1]);
    n = read(fds[0], out, sizeof(out) - 1);
    out[n > 0 ? n : 0] = '\0';
    (void)close(fds[0]);
}

static struct findings findings;

static void say_each_kind(void)
{
    static const struct {
        enum err_kind kind;
        const char *text;
    } cases[] = {
        { ERR_CONFIG, "wal_level is wrong; run: ALTER SYSTEM" },
        { ERR_PERMISSION, "may not; run: ALTER ROLE" },
        { ERR_PERMISSION, "password refused" },
        { ERR_UNREACHABLE, "connection refused" },
        { ERR_UNREACHABLE, "again" },
        { ERR_RETRY, "timeout" },
        { ERR_FATAL, "no" },
    };
    static const struct finding finding = { "postgres", "DATABASE_URL" };

    findings = (struct findings){ 0 };
    finding_say(&findings, &finding, 0, "answers", NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err now;

        (void)err_set(&now, cases[i].kind, "%s", cases[i].text);
        finding_say(&findings, &finding, -1, NULL, &now);
    }
}

static void failures_and_their_fix(void **state)
{
    struct err e = { 0 };

    (void)state;
    captured(say_each_kind);
    assert_string_equal(
        out, "ok     postgres: answers\n"
             "failed postgres: wal_level is wrong; run: ALTER SYSTEM\n"
             "failed postgres: may not; run: ALTER ROLE\n"
             "failed postgres: password refused\n"
             "       fix: grant what is missing, or correct the credentials in "
             "DATABASE_URL\n"
             "failed postgres: connection refused\n"
             "       fix: start it, or correct DATABASE_URL\n"
             "failed postgres: again\n"
             "       fix: start it, or correct DATABASE_URL\n"
             "failed postgres: timeout\n"
             "       fix: start it, or correct DATABASE_URL\n"
             "failed postgres: no\n");
    assert_int_equal(findings_end(&findings, &e), -1);
    assert_int_equal(e.kind, ERR_UNREACHABLE);
    assert_string_equal(e.text, "postgres: connection refused");
}

static void all_is_well(void **state)
{
    struct findings none = { 0 };
    struct err e = { 0 };

    (void)state;
    assert_int_equal(findings_end(&none, &e), 0);
    assert_int_equal(e.kind, ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_and_their_fix),
        cmocka_unit_test(all_is_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* links: cdc_base */
/* confconfig.h: `config` with each of its words, and what is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/confyaml.h"
#include "tests/unit/confrig.h"

static char out[100000];

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static const char want[] =
    "# Settings of cdc-test in force, with the file /tmp/test_confconfig.yaml."
    " Hidden: \"***\".\n"
    "version: 1\n"
    "source:\n"
    "  url: \"***\"                                    # T_URL\n"
    "sink:\n"
    "  batch:\n"
    "    size: 7                                     # --size\n"
    "  fast: true                                    # "
    "/tmp/test_confconfig.yaml:3:3\n"
    "http:\n"
    "  listen: 0.0.0.0:9850                          # default\n"
    "optional: \"a\\\"b\\\\c\\x0ad $${x} \xc3\xa9\"               # "
    "T_OPTIONAL\n"
    "name: cdc                                       # default\n"
    "kafka:\n"
    "  brokers: [a:1, \"*\"]                           # "
    "/tmp/test_confconfig.yaml:1:9\n"
    "redis:\n"
    "  advertise:                                    # not set\n"
    "  url: \"redis://me:***@h:1/2\"                   # REDIS_URL\n"
    "log:\n"
    "  level: warn                                   # CDC_LOG_LEVEL\n"
    "  format: logfmt                                # default\n"
    "sinks:\n"
    "  a:\n"
    "    delay: 90s                                  # T_DELAY\n"
    "batch:\n"
    "  bytes: 8MiB                                   # default\n"
    "require_tls:                                    # not set\n";

static void shows_each_origin(void **state)
{
    struct confyaml y = { 0 };

    (void)state;
    put("/tmp/test_confconfig.yaml",
        "kafka: {brokers: ['a:1', '*']}\nsink:\n  fast: yes\n"
        "log.level: debug\n");
    (void)setenv("CDC_CONFIG", "/tmp/test_confconfig.yaml", 1);
    (void)setenv("T_OPTIONAL", "a\"b\\c\nd ${x} \xc3\xa9", 1);
    (void)setenv("REDIS_URL", "redis://me:canary@h:1/2", 1);
    (void)setenv("CDC_LOG_LEVEL", "warn", 1);
    (void)setenv("T_DELAY", "90000", 1);
    assert_int_equal(printed("config show --size 7", out, sizeof(out)), 0);
    assert_string_equal(out, want);
    assert_int_equal(printed("--size 7 config", out, sizeof(out)), 0);
    assert_string_equal(out, want);
    /* what is shown can be read again */
    assert_int_equal(confyaml_read(&y, str_of(out), "out", &e), 0);
    assert_int_equal(y.count, 25);
    confyaml_fini(&y);
    (void)unlink("/tmp/test_confconfig.yaml");
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    (void)unsetenv("T_URL");
    assert_int_equal(printed("config", out, sizeof(out)), 0);
    assert_non_null(strstr(out,
                           "  url:                                          "
                           "# not set, but required\n"));
    (void)setenv("T_SIZE", "many", 1);
    assert_int_equal(printed("config", out, sizeof(out)), 78);
    assert_string_equal(out, "");
    (void)unsetenv("T_SIZE");
    assert_int_equal(printed("config -c /nonexistent", out, sizeof(out)), 78);
    assert_int_equal(printed("config --size many", out, sizeof(out)), 64);
    assert_int_equal(printed("config shwo", out, sizeof(out)), 64);
    assert_int_equal(printed("config show schema", out, sizeof(out)), 64);
    assert_int_equal(printed("check show", out, sizeof(out)), 64);
    assert_int_equal(printed("confgi", out, sizeof(out)), 64);
}

/* Nothing but the table is looked at, so nothing can be wrong. */
static void pages(void **state)
{
    static const struct {
        const char *word, *first, *holds;
    } cases[] = {
        { "schema", "{\"$schema\":\"http://json-schema.org/draft-07/",
          "\"others\":{\"description\":\"no business. Variable -. For: "
          "monitor\"" },
        { "reference", "# Configuration\n",
          "| `source.url` | `T_URL` (or `_FILE`) | `--url` | required | all | "
          "postgresql://user:password@host/database |\n" },
        { "environment", "# The variables of all programs",
          "\n# sink-clickhouse: delay\n#T_DELAY=5s\n" },
        { "man", "cdc-test(1)\n\n# NAME\n\ncdc-test - tests options\n",
          "*--delay* _DURATION_, *T\\_DELAY*\n\tDelay. From -1 to 1h. Default: "
          "7s.\n" },
        { "man-file", "data-sync.yaml(5)\n",
          "*batch.bytes* _SIZE_ (all)\n\tBytes. From 1B to 1GiB. Default: "
          "8MiB.\n" },
        { "completion-bash", "# bash completion of cdc-test\n",
          "    --log-format) COMPREPLY=($(compgen -W 'logfmt json' -- "
          "\"$word\")); return ;;\n" },
        { "completion-zsh", "#compdef cdc-test\n",
          "  '--log-format=[format]:word:(logfmt json)' \\\n" },
        { "completion-fish", "complete -c cdc-test -f\n",
          "complete -c cdc-test -l log-format -x -a 'logfmt json' -d "
          "'format'\n" },
    };

    (void)state;
    (void)unsetenv("T_URL");
    (void)setenv("T_SIZE", "many", 1);
    (void)setenv("CDC_CONFIG", "/nonexistent", 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char line[100];

        (void)snprintf(line, sizeof(line), "config %s", cases[i].word);
        assert_int_equal(printed(line, out, sizeof(out)), 0);
        assert_memory_equal(out, cases[i].first, strlen(cases[i].first));
        if (!strstr(out, cases[i].holds)) {
            print_message("%s: no %s in:\n%s\n", cases[i].word, cases[i].holds,
                          out);
            fail();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shows_each_origin, begin, end),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, begin, end),
        cmocka_unit_test_setup_teardown(pages, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

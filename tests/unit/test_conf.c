/* links: cdc_base */
/* conf.h: sources and their order, errors and their texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "tests/unit/confrig.h"

static void later_sources_win(void **state)
{
    (void)state;
    assert_int_equal(load(""), 0);
    assert_int_equal(action, CONF_RUN);
    assert_string_equal(command, "run");
    assert_ptr_equal(command, commands[0].name);
    assert_string_equal(cfg.url, "postgresql://e");
    assert_int_equal(cfg.size, 100);
    assert_false(cfg.fast);
    assert_string_equal(cfg.common.name, "cdc");
    assert_string_equal(cfg.common.listen, "0.0.0.0:9850");
    assert_non_null(cfg.optional);
    assert_null(cfg.listen);
    (void)setenv("T_SIZE", "-1", 1);
    (void)setenv("T_FAST", "yes", 1);
    (void)setenv("CDC_NAME", "shop", 1);
    assert_int_equal(load("check"), 0);
    assert_string_equal(command, "check");
    assert_int_equal(cfg.size, -1);
    assert_true(cfg.fast);
    assert_string_equal(cfg.common.name, "shop");
    assert_int_equal(load("--size 7 check --fast=off --name=a --url x=y"), 0);
    assert_int_equal(cfg.size, 7);
    assert_false(cfg.fast);
    assert_string_equal(cfg.common.name, "a");
    assert_string_equal(cfg.url, "x=y");
    assert_string_equal(command, "check");
    assert_int_equal(load("--size 7 --size -1 --fast"), 0);
    assert_int_equal(cfg.size, -1);
    assert_true(cfg.fast);
}

/* Durations and sizes from every source, lists that add up, flags of some
   commands. */
static void types_of_values(void **state)
{
    (void)state;
    assert_int_equal(load(""), 0);
    assert_int_equal(cfg.delay, 7000); /* of this program's row */
    assert_int_equal(cfg.bytes, 8 << 20);
    (void)setenv("T_DELAY", "250", 1);
    assert_int_equal(load("--bytes 1KiB"), 0);
    assert_int_equal(cfg.delay, 250);
    assert_int_equal(cfg.bytes, 1024);
    assert_int_equal(load("--delay 30m --bytes=7"), 0);
    assert_int_equal(cfg.delay, 30 * 60 * 1000);
    assert_int_equal(cfg.bytes, 7);
    assert_int_equal(load("--kafka-brokers a:1 --kafka-brokers=b:2,c:3"), 0);
    assert_string_equal(cfg.common.brokers, "a:1,b:2,c:3");
    assert_int_equal(load("--thorough check"), 0);
    assert_true(cfg.thorough);
    assert_int_equal(load("--thorough run"), -1);
    assert_int_equal(e.kind, ERR_USAGE);
    assert_string_equal(e.text,
                        "flag --thorough is for the command check prove");
}

static void empty_variables(void **state)
{
    (void)state;
    (void)setenv("REDIS_URL", "", 1); /* switches it off */
    (void)setenv("T_SIZE", "", 1);    /* as composed environments have it */
    (void)setenv("T_FAST", "", 1);
    assert_int_equal(load(""), 0);
    assert_string_equal(cfg.common.redis_url, "");
    assert_int_equal(cfg.size, 100);
    (void)setenv("KAFKA_BROKERS", "", 1);
    assert_int_equal(load(""), -1);
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_memory_equal(e.text, "KAFKA_BROKERS is empty: ", 24);
}

static void errors(void **state)
{
    static const struct {
        const char *line;
        enum err_kind kind;
        const char *text;
    } cases[] = {
        { "--siz 7", ERR_USAGE, "unknown flag --siz; did you mean --size?" },
        { "--nmae=x", ERR_USAGE, "unknown flag --nmae; did you mean --name?" },
        { "--hlep", ERR_USAGE, "unknown flag --hlep; did you mean --help?" },
        { "--xyzzy", ERR_USAGE, "unknown flag --xyzzy" },
        { "-x", ERR_USAGE, "unknown flag -x" },
        { "--", ERR_USAGE, "unknown flag --" },
        { "-", ERR_USAGE, "unknown flag -" },
        { "chekc", ERR_USAGE, "unknown command chekc; did you mean check?" },
        { "postgresql://me:canary@h/d", ERR_USAGE,
          "unknown command (a URL; it goes behind its flag)" },
        { "check run", ERR_USAGE, "unexpected word run" },
        { "--name", ERR_USAGE, "flag --name needs a value" },
        { "--name --size 7", ERR_USAGE, "flag --name needs a value" },
        { "--size seven", ERR_USAGE,
          "--size: \"seven\" is not a whole number from -1 to 1000" },
        { "--size 1001", ERR_USAGE,
          "--size: \"1001\" is not a whole number from -1 to 1000" },
        { "--size 99999999999999999999", ERR_USAGE,
          "--size: \"99999999999999999999\" is not a whole number from -1 to "
          "1000" },
        { "--size 1.5", ERR_USAGE,
          "--size: \"1.5\" is not a whole number from -1 to 1000" },
        { "--size=", ERR_USAGE,
          "--size: \"\" is not a whole number from -1 to 1000" },
        { "--delay 61m", ERR_USAGE,
          "--delay: \"61m\" is not a duration (500ms, 30s, 5m, 1h) from "
          "-1 to 1h" },
        { "--bytes 2GiB", ERR_USAGE,
          "--bytes: \"2GiB\" is not a size (512KiB, 8MiB) from 1B to "
          "1GiB" },
        { "--log-level", ERR_USAGE, "unknown flag --log-level" },
        { "--fast=maybe", ERR_USAGE, "--fast: \"maybe\" is not true or false" },
        { "--url=", ERR_CONFIG,
          "--url is empty: postgresql://user:password@host/database" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(load(cases[i].line), -1);
        assert_string_equal(e.text, cases[i].text);
        assert_int_equal(e.kind, cases[i].kind);
    }
    (void)setenv("T_SIZE", "0100", 1);
    assert_int_equal(load(""), -1);
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_memory_equal(e.text, "T_SIZE: \"0100\" is not", 21);
    (void)unsetenv("T_URL");
    (void)unsetenv("T_SIZE");
    assert_int_equal(load(""), -1);
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_string_equal(e.text, "T_URL is not set: "
                                "postgresql://user:password@host/database");
}

static void put(const char *path, const char *text, size_t len)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void secrets_from_files(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *want;
    } cases[] = {
        { "secret\n", 7, "secret" },   { "secret", 6, "secret" },
        { "secret\r\n", 8, "secret" }, { "secret\n\n", 8, "secret\n" },
        { "a\0b", 3, NULL },           { "\n", 1, NULL },
    };
    char path[] = "/tmp/test_conf.XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    (void)setenv("T_URL_FILE", path, 1);
    assert_int_equal(load(""), -1);
    assert_string_equal(e.text, "T_URL and T_URL_FILE are both set; keep one");
    assert_int_equal(e.kind, ERR_CONFIG);
    (void)unsetenv("T_URL");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        put(path, cases[i].text, cases[i].len);
        assert_int_equal(load(""), cases[i].want ? 0 : -1);
        if (cases[i].want) {
            assert_string_equal(cfg.url, cases[i].want);
        } else {
            assert_non_null(strstr(e.text, "T_URL_FILE"));
        }
    }
    assert_int_equal(load("--url flag"), 0); /* the flag still wins */
    assert_string_equal(cfg.url, "flag");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(load(""), -1);
    assert_non_null(strstr(e.text, "T_URL_FILE"));
    assert_non_null(strstr(e.text, "No such file"));
    /* only secrets may come from a file */
    (void)setenv("T_URL", "x", 1);
    (void)unsetenv("T_URL_FILE");
    (void)setenv("T_SIZE_FILE", "/nonexistent", 1);
    assert_int_equal(load(""), 0);
}

/* The file is below the environment and above the defaults. */
static void a_file(void **state)
{
    static const char text[] = "version: 1\n"
                               "name: ${T_NAME:-shop}\n"
                               "kafka: {brokers: [a:1, 'b:2']}\n"
                               "sink:\n"
                               "  batch: {size: 7}\n"
                               "  fast: yes\n"
                               "source: {url: {file: '${T_DIR}/secret'}}\n"
                               "sinks:\n"
                               "  a: {delay: 30s}\n"
                               "  b: {delay: '${UNSET_HERE}'}\n"
                               "of: {others: '${UNSET_HERE}'}\n"
                               "redis: {url: ''}\n";
    char dir[] = "/tmp/test_conf.XXXXXX", path[100], line[200];

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)setenv("T_DIR", dir, 1);
    (void)snprintf(path, sizeof(path), "%s/secret", dir);
    put(path, "postgresql://s\n", 15);
    (void)snprintf(path, sizeof(path), "%s/data-sync.yaml", dir);
    put(path, text, sizeof(text) - 1);
    (void)setenv("CDC_CONFIG", path, 1);
    assert_int_equal(load(""), 0);
    assert_string_equal(cfg.common.config, path);
    assert_string_equal(cfg.common.name, "shop");
    assert_string_equal(cfg.common.brokers, "a:1,b:2");
    assert_string_equal(cfg.url, "postgresql://e"); /* T_URL */
    assert_string_equal(cfg.common.redis_url, "");
    assert_int_equal(cfg.size, 7);
    assert_int_equal(cfg.delay, 30000); /* its own, not its sibling's */
    assert_true(cfg.fast);
    (void)unsetenv("T_URL");
    (void)unsetenv("CDC_CONFIG");
    (void)setenv("T_NAME", "other", 1);
    (void)setenv("T_SIZE", "8", 1);
    (void)snprintf(line, sizeof(line), "check -c %s --delay 1s", path);
    assert_int_equal(load(line), 0);
    assert_string_equal(cfg.url, "postgresql://s"); /* of the secret's file */
    assert_string_equal(cfg.common.name, "other");
    assert_int_equal(cfg.size, 8);
    assert_int_equal(cfg.delay, 1000);
    (void)setenv("CDC_CONFIG", "/nonexistent", 1);
    assert_int_equal(load(line), 0); /* the flag wins */
    assert_int_equal(load(""), -1);
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_string_equal(e.text, "configuration file /nonexistent: No such "
                                "file or directory");
    assert_int_equal(load("--config="), -1); /* no file: no URL */
    assert_memory_equal(e.text, "T_URL is not set", 16);
    put(path, "sink:\n  batch: {size: 1001}\n", 28);
    (void)setenv("CDC_CONFIG", path, 1);
    (void)setenv("T_URL", "x", 1);
    (void)unsetenv("T_SIZE");
    assert_int_equal(load(""), -1);
    (void)snprintf(line, sizeof(line),
                   "%s:2:11: \"1001\" is not a whole number from -1 to 1000",
                   path);
    assert_string_equal(e.text, line);
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/secret", dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void names(void **state)
{
    static const struct {
        const char *name;
        bool good;
    } cases[] = {
        { "cdc", true },
        { "0a-b_c", true },
        { "", false },
        { "Cdc", false },
        { "-a", false },
        { "_a", false },
        { "a.b", false },
        { "a b", false },
        { "a234567890123456789012345678901234567890", true },
        { "a2345678901234567890123456789012345678901", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(conf_name_check(cases[i].name, &e),
                         cases[i].good ? 0 : -1);
        if (!cases[i].good) {
            assert_int_equal(e.kind, ERR_CONFIG);
            assert_memory_equal(e.text, "CDC_NAME", 8);
        }
    }
    (void)setenv("CDC_NAME", "No", 1);
    assert_int_equal(load(""), 0);
    assert_int_equal(conf_start(&program, &cfg, &e), -1);
}

/* A warning each, or the refusal of the first. */
static void cleartext(void **state)
{
    (void)state;
    (void)setenv("REDIS_URL", "redis://me:canary@far:6379", 1);
    (void)setenv("T_URL", "postgresql://localhost/d", 1);
    assert_int_equal(load("--log-format json"), 0);
    assert_int_equal(conf_start(&program, &cfg, &e), 0);
    assert_int_equal(load("--require-tls"), 0);
    assert_int_equal(conf_start(&program, &cfg, &e), -1);
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_string_equal(e.text,
                        "REDIS_URL: redis://me:***@far:6379 is not encrypted: "
                        "keep this network private, or do without "
                        "CDC_REQUIRE_TLS");
    (void)setenv("REDIS_URL", "", 1);
    assert_int_equal(load("--require-tls"), 0);
    assert_int_equal(conf_start(&program, &cfg, &e), 0);
}

/* All findings, not the first alone. */
static void offline_check(void **state)
{
    static const struct {
        const char *line, *size, *want;
        int code;
    } cases[] = {
        { "check --offline", NULL,
          "ok     configuration of cdc-test, without a file\n", 0 },
        { "--offline check --kafka-brokers far:1", NULL,
          "warn   kafka.brokers: KAFKA_BROKERS: far:1 is not encrypted: Kafka "
          "over TLS is not supported yet; keep this network private\n"
          "ok     configuration of cdc-test, without a file\n",
          0 },
        { "check --offline --kafka-brokers far:1 --require-tls", NULL,
          "failed kafka.brokers: KAFKA_BROKERS: far:1 is not encrypted: Kafka "
          "over TLS is not supported yet; keep this network private, or do "
          "without CDC_REQUIRE_TLS\n",
          78 },
        { "check --offline --name No --delay x", "1001",
          "failed sink.batch.size: T_SIZE: \"1001\" is not a whole number "
          "from -1 to 1000\n"
          "failed sinks.a.delay: --delay: \"x\" is not a duration (500ms, "
          "30s, 5m, 1h) from -1 to 1h\n"
          "failed name: CDC_NAME \"No\" is not a name of 1 to 40 characters "
          "a-z 0-9 _ - that begins with a letter or digit\n",
          78 },
        { "check --offline --listen 0.0.0.0:99999", NULL,
          "failed listen: listen address \"0.0.0.0:99999\" is not "
          "host:port\n",
          78 },
        { "check --offline", "13", "failed values: 13 is no size\n", 78 },
        { "check --offline -c /nonexistent", NULL,
          "failed file: configuration file /nonexistent: No such file or "
          "directory\n",
          78 },
        { "check", NULL, "", 99 },
        { "--offline", NULL, "", 64 },
    };
    char out[4000];

    (void)state;
    (void)setenv("T_URL", "postgresql://localhost", 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)setenv("T_SIZE", cases[i].size ? cases[i].size : "", 1);
        assert_int_equal(printed(cases[i].line, out, sizeof(out)),
                         cases[i].code);
        assert_string_equal(out, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(later_sources_win, begin, end),
        cmocka_unit_test_setup_teardown(types_of_values, begin, end),
        cmocka_unit_test_setup_teardown(empty_variables, begin, end),
        cmocka_unit_test_setup_teardown(errors, begin, end),
        cmocka_unit_test_setup_teardown(secrets_from_files, begin, end),
        cmocka_unit_test_setup_teardown(a_file, begin, end),
        cmocka_unit_test_setup_teardown(names, begin, end),
        cmocka_unit_test_setup_teardown(cleartext, begin, end),
        cmocka_unit_test_setup_teardown(offline_check, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

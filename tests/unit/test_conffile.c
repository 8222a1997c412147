/* links: cdc_base */
/* conffile.h: the keys of a file against the real option table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "common/conffile.h"
#include "common/conftext.h"

static const struct conf_option *option(const char *key)
{
    const struct conf_option *o = conf_options;

    while (o->key && strcmp(o->key, key) != 0) {
        o++;
    }
    assert_non_null(o->key);
    return o;
}

static void values(void **state)
{
    static const struct {
        const char *text, *key, *want;
        bool is_path;
    } cases[] = {
        { "name: shop", "name", "shop", false },
        { "version: 1\nname: shop", "name", "shop", false },
        { "version: '1'", "name", NULL, false },
        { "name:", "name", NULL, false },
        { "kafka: {brokers: [a, b]}", "kafka.brokers", "a,b", false },
        { "kafka: {brokers: 'a,b'}", "kafka.brokers", "a,b", false },
        { "kafka.brokers: a", "kafka.brokers", "a", false },
        { "kafka:\nname: x", "kafka.brokers", NULL, false },
        { "sinks: {clickhouse: {password: {file: /x}}}",
          "sinks.clickhouse.password", "/x", true },
        { "sinks: {clickhouse: {password: x}}", "sinks.clickhouse.password",
          "x", false },
        { "source: {tables: {include: [public.*, s.t]}}",
          "source.tables.include", "public.*,s.t", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct conffile *f = NULL;
        struct conffile_value v;
        struct err e = { 0 };

        if (conffile_parse(&f, str_of(cases[i].text), "f", conf_options, &e) <
            0) {
            assert_string_equal(e.text, "");
        }
        conffile_find(f, option(cases[i].key), &v);
        assert_int_equal(v.is_path, cases[i].is_path);
        if (cases[i].want) {
            assert_string_equal(v.text, cases[i].want);
        } else {
            assert_null(v.text);
        }
        conffile_close(f);
    }
}

static void refusals(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "nmae: x", "f:1:1: unknown key nmae; did you mean name?" },
        { "log:\n  levle: x",
          "f:2:3: unknown key log.levle; did you mean log.level?" },
        { "kafak: {brokers: x}",
          "f:1:1: unknown key kafak; did you mean kafka?" },
        { "sinks: {elasticserch: {url: x}}",
          "f:1:9: unknown key sinks.elasticserch; did you mean "
          "sinks.elasticsearch?" },
        { "brokers: x",
          "f:1:1: unknown key brokers; did you mean kafka.brokers?" },
        { "KAFKA_BROKERS: x",
          "f:1:1: unknown key KAFKA_BROKERS; did you mean kafka.brokers?" },
        { "sinks: {clickhouse: {foo: x}}",
          "f:1:22: unknown key sinks.clickhouse.foo" },
        { "xyzzy: 1", "f:1:1: unknown key xyzzy" },
        { "name: {a: b}", "f:1:1: name takes a value, nothing below it" },
        { "name: [a]", "f:1:1: name takes one value, not a list" },
        { "kafka: x", "f:1:1: kafka is a section: its keys go below it" },
        { "kafka: [x]", "f:1:1: kafka is a section: its keys go below it" },
        { "version: 2",
          "f:1:1: version must be 1: this program knows no other" },
        { "version:", "f:1:1: version must be 1: this program knows no other" },
        { "version: [1]",
          "f:1:1: version must be 1: this program knows no other" },
        { "sinks: {clickhouse: {password: {fiel: x}}}",
          "f:1:33: unknown key sinks.clickhouse.password.fiel" },
        { "sinks: {clickhouse: {password: {file: [x]}}}",
          "f:1:33: sinks.clickhouse.password.file takes the path of a file" },
        { "sinks: {clickhouse: {user: {file: x}}}",
          "f:1:22: sinks.clickhouse.user takes a value, nothing below it" },
        { "sinks.clickhouse.password: x\nsinks.clickhouse.password.file: y",
          "f:2:1: sinks.clickhouse.password.file and a value are both given; "
          "keep one" },
        { "sinks.clickhouse.password.file: y\nsinks.clickhouse.password: x",
          "f:1:1: sinks.clickhouse.password.file and a value are both given; "
          "keep one" },
        { "config: x", "f:1:1: unknown key config" },
        { "json: true", "f:1:1: unknown key json" },
        { "name: a\nname: b",
          "f:2:1: name is here twice; it stands in line 1, too" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct conffile *f = NULL;
        struct err e = { 0 };

        assert_int_equal(
            conffile_parse(&f, str_of(cases[i].text), "f", conf_options, &e),
            -1);
        assert_null(f);
        assert_string_equal(e.text, cases[i].want);
        assert_int_equal(e.kind, ERR_CONFIG);
    }
}

static void files(void **state)
{
    char path[] = "/tmp/test_conffile.XXXXXX", text[300];
    int fd = mkstemp(path);
    struct conffile *f = NULL;
    struct conffile_value v;
    struct err e = { 0 };

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "log: {level: warn}\n", 19), 19);
    assert_int_equal(conffile_open(&f, path, conf_options, &e), 0);
    assert_string_equal(conffile_name(f), path);
    conffile_find(f, option("log.level"), &v);
    assert_string_equal(v.text, "warn");
    assert_int_equal(v.line, 1);
    assert_int_equal(v.column, 7);
    conffile_close(f);
    conffile_close(NULL);
    assert_int_equal(ftruncate(fd, (1 << 20) + 1), 0);
    assert_int_equal(conffile_open(&f, path, conf_options, &e), -1);
    (void)snprintf(text, sizeof(text),
                   "configuration file %s: more than 1048576 bytes", path);
    assert_string_equal(e.text, text);
    (void)close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(conffile_open(&f, path, conf_options, &e), -1);
    assert_non_null(strstr(e.text, "No such file"));
    assert_int_equal(conffile_open(&f, "/tmp", conf_options, &e), -1);
    assert_non_null(strstr(e.text, "Is a directory"));
    assert_int_equal(conffile_open(&f, "/dev/zero", conf_options, &e), -1);
    assert_non_null(strstr(e.text, "more than"));
}

/* Sections stand together, so that what is written section by section (the
   schema, `config show`) has each once. */
static void sections_are_whole(void **state)
{
    const char *before = "";

    (void)state;
    for (const struct conf_option *o = conf_options; o->key; o++) {
        if (!conftext_in_file(o)) {
            continue;
        }
        for (const struct conf_option *p = conf_options; p != o; p++) {
            assert_true(!conftext_in_file(p) ||
                        conftext_common(p->key, o->key) <=
                            conftext_common(before, o->key));
        }
        before = o->key;
    }
}

/* Each option is found by its key, and no two share one or, within a
   program, a flag or a variable. */
static void the_table(void **state)
{
    (void)state;
    for (const struct conf_option *o = conf_options; o->key; o++) {
        assert_true(o->key[0] != '\0' && o->help && o->programs != 0);
        assert_int_equal(o->required & ~o->programs, 0);
        assert_true(!o->choices == (o->type != CONF_CHOICE));
        assert_true(o->env || o->flag || !o->command);
        for (const struct conf_option *p = o + 1; p->key; p++) {
            assert_string_not_equal(o->key, p->key);
            if (o->programs & p->programs) {
                assert_true(!o->flag || !p->flag ||
                            strcmp(o->flag, p->flag) != 0);
                assert_true(!o->env || !p->env || strcmp(o->env, p->env) != 0);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(refusals),
        cmocka_unit_test(files),
        cmocka_unit_test(the_table),
        cmocka_unit_test(sections_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

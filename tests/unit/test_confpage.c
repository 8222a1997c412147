/* links: cdc_event */
/* The pages in the repository are what the option table makes of itself, and
   the example file is one that every program takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "common/confexpand.h"
#include "common/conffile.h"
#include "common/confpage.h"
#include "common/confschema.h"
#include "common/confvalue.h"

enum { PAGE_BYTES_MAX = 4 << 20 };

#define ROOT UNIT_DATA "/../../../"

static void file_read(const char *path, struct buf *b)
{
    FILE *f = fopen(path, "r");
    char part[4096];
    size_t n;

    if (!f) {
        print_message("%s is not there\n", path);
    }
    assert_non_null(f);
    buf_reset(b);
    while ((n = fread(part, 1, sizeof(part), f)) > 0) {
        buf_add(b, part, n);
    }
    assert_int_equal(fclose(f), 0);
    assert_true(buf_ok(b));
}

/* An option was added or changed: make the pages anew. */
static void pages_are_current(void **state)
{
    static const struct {
        const char *path, *word;
        void (*write)(struct buf *b, const struct conf_option *options);
    } pages[] = {
        { "docs/CONFIGURATION.md", "reference", confpage_reference },
        { ".env.example", "environment", confpage_environment },
        { "packaging/data-sync.schema.json", "schema", confschema_write },
    };
    struct buf want, is;

    (void)state;
    buf_init(&want, PAGE_BYTES_MAX);
    buf_init(&is, PAGE_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        char path[1000];

        (void)snprintf(path, sizeof(path), ROOT "%s", pages[i].path);
        buf_reset(&want);
        pages[i].write(&want, conf_options);
        assert_true(buf_ok(&want));
        file_read(path, &is);
        if (!str_eq(buf_str(&want), buf_str(&is))) {
            print_message("%s is not of this option table; run: cdc-monitor "
                          "config %s > %s\n",
                          pages[i].path, pages[i].word, pages[i].path);
            fail();
        }
    }
    buf_fini(&want);
    buf_fini(&is);
}

/* Each option of the file is where its key says. */
static void the_schema(void **state)
{
    struct buf b;
    cJSON *schema;

    (void)state;
    buf_init(&b, PAGE_BYTES_MAX);
    confschema_write(&b, conf_options);
    schema = cJSON_Parse(buf_z(&b));
    assert_non_null(schema);
    for (const struct conf_option *o = conf_options; o->key; o++) {
        char key[200], *save = NULL;
        const cJSON *at = schema;

        (void)snprintf(key, sizeof(key), "%s", o->key);
        for (char *part = strtok_r(key, ".", &save); part;
             part = strtok_r(NULL, ".", &save)) {
            at = cJSON_GetObjectItem(cJSON_GetObjectItem(at, "properties"),
                                     part);
        }
        if (o->no_file || o->command) {
            assert_null(at);
        } else {
            assert_non_null(cJSON_GetObjectItem(at, "anyOf"));
            assert_int_equal(cJSON_GetObjectItem(at, "default") != NULL,
                             o->def != NULL);
        }
    }
    cJSON_Delete(schema);
    buf_fini(&b);
}

static void the_example(void **state)
{
    struct buf text, value;
    struct conffile *f = NULL;
    struct err e = { 0 };
    unsigned found = 0;

    (void)state;
    (void)setenv("DATABASE_URL", "postgresql://localhost/shop", 1);
    buf_init(&text, PAGE_BYTES_MAX);
    buf_init(&value, PAGE_BYTES_MAX);
    file_read(ROOT "packaging/data-sync.example.yaml", &text);
    if (conffile_parse(&f, buf_str(&text), "example", conf_options, &e) < 0) {
        assert_string_equal(e.text, "");
    }
    for (const struct conf_option *o = conf_options; o->key; o++) {
        struct conffile_value v;
        union {
            char *text;
            int number;
            bool flag;
        } field = { 0 };

        conffile_find(f, o, &v);
        if (!v.text) {
            continue;
        }
        buf_reset(&value);
        assert_int_equal(confexpand(v.text, &value, &e), 0);
        assert_int_equal(confvalue_store(o, buf_z(&value), &field, 0, &e), 0);
        if (confvalue_is_text(o)) {
            assert_true(field.text[0] != '\0');
            xfree(field.text);
        }
        found++;
    }
    assert_in_range(found, 18, 200);
    (void)unsetenv("DATABASE_URL");
    conffile_close(f);
    buf_fini(&text);
    buf_fini(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_current),
        cmocka_unit_test(the_schema),
        cmocka_unit_test(the_example),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

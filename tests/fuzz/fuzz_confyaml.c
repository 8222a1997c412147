/* links: cdc_base */
/*
 * Any text as a configuration file. What comes out are keys that nobody has
 * twice, with a text where the kind says so; the option table and the expander
 * take any of it.
 */
#include "common/confexpand.h"
#include "common/conffile.h"
#include "common/confyaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void entry_check(const struct confyaml *y, unsigned i)
{
    const struct confyaml_entry *entry = &y->entries[i];
    bool has_text =
        entry->kind == CONFYAML_VALUE || entry->kind == CONFYAML_LIST;

    CHECK(entry->key && entry->key[0] != '\0');
    CHECK(strlen(entry->key) <= CONFYAML_KEY_CHARS_MAX + 1);
    CHECK(has_text == (entry->text != NULL));
    CHECK(entry->line >= 1 && entry->column >= 1);
    for (unsigned j = 0; j < i; j++) {
        CHECK(strcmp(y->entries[j].key, entry->key) != 0);
    }
}

static void expand(const char *text)
{
    struct buf b;
    struct err e = { 0 };

    buf_init(&b, 1 << 20);
    if (confexpand(text, &b, &e) == 0) {
        CHECK(buf_ok(&b));
        CHECK(strchr(text, '$') || strcmp(buf_z(&b), text) == 0);
    } else {
        CHECK(e.kind == ERR_CONFIG && e.text[0] != '\0');
    }
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct confyaml y = { 0 };
    struct conffile *f = NULL;
    struct conffile_value v;
    struct err e = { 0 };
    int rc = confyaml_read(&y, text, "f", &e);

    CHECK(rc == 0 || (e.kind == ERR_CONFIG && e.text[0] != '\0' && !y.entries));
    for (unsigned i = 0; i < y.count; i++) {
        entry_check(&y, i);
        if (y.entries[i].text) {
            expand(y.entries[i].text);
        }
    }
    confyaml_fini(&y);
    if (conffile_parse(&f, text, "f", conf_options, &e) == 0) {
        CHECK(rc == 0);
        for (const struct conf_option *o = conf_options; o->key; o++) {
            conffile_find(f, o, &v);
        }
    }
    conffile_close(f);
    return 0;
}

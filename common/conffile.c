#include "common/conffile.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/confnear.h"
#include "common/confvalue.h"
#include "common/confyaml.h"

struct conffile {
    char *name;
    struct confyaml yaml;
    const struct conf_option *options;
};

/* --- The table ----------------------------------------------------------- */

static bool in_file(const struct conf_option *o)
{
    return !o->no_file && !o->command;
}

static const struct conf_option *option_find(const struct conf_option *options,
                                             struct str key)
{
    for (const struct conf_option *o = options; o->key; o++) {
        if (in_file(o) && str_eq(str_of(o->key), key)) {
            return o;
        }
    }
    return NULL;
}

/* "sinks.clickhouse.password.file" -> the option of the password. */
static const struct conf_option *path_option(const struct conf_option *options,
                                             const char *key)
{
    static const char tail[] = ".file";
    size_t len = strlen(key), cut = sizeof(tail) - 1;
    const struct conf_option *o = NULL;

    if (len > cut && strcmp(key + len - cut, tail) == 0) {
        o = option_find(options, (struct str){ key, len - cut });
    }
    return o && o->secret ? o : NULL;
}

static bool is_section(const struct conf_option *options, const char *key)
{
    size_t len = strlen(key);

    for (const struct conf_option *o = options; o->key; o++) {
        if (in_file(o) && strncmp(o->key, key, len) == 0 &&
            o->key[len] == '.') {
            return true;
        }
    }
    return false;
}

/* --- What was meant ------------------------------------------------------ */

/* A key that stands in the wrong section ("brokers"), or a variable's name
   ("KAFKA_BROKERS"). */
static const char *misplaced(const struct conf_option *options, const char *key)
{
    const char *last = strrchr(key, '.');

    last = last ? last + 1 : key;
    for (const struct conf_option *o = options; o->key; o++) {
        const char *tail = strrchr(o->key, '.');

        if (in_file(o) && ((tail && strcmp(tail + 1, last) == 0) ||
                           (o->env && strcmp(o->env, last) == 0))) {
            return o->key;
        }
    }
    return NULL;
}

static int unknown(const struct conffile *f, const struct confyaml_entry *entry,
                   struct err *e)
{
    struct confnear n = { .word = entry->key };
    char meant[100], sections[CONFYAML_KEY_CHARS_MAX + 1] = "";
    const char *key = strrchr(entry->key, '.');

    n.max = 1 + (unsigned)strlen(key ? key + 1 : entry->key) / 4;
    for (const struct conf_option *o = f->options; o->key; o++) {
        if (in_file(o)) {
            confnear_try(&n, o->key);
        }
    }
    /* of a section only the sections are candidates: cut out of the keys */
    for (const struct conf_option *o = f->options; !n.best && o->key; o++) {
        const char *dot = in_file(o) ? strchr(o->key, '.') : NULL;

        for (; dot && !n.best; dot = strchr(dot + 1, '.')) {
            (void)snprintf(sections, sizeof(sections), "%.*s",
                           (int)(dot - o->key), o->key);
            confnear_try(&n, sections);
        }
    }
    key = n.best ? NULL : misplaced(f->options, entry->key);
    n.best = key ? key : n.best;
    return err_set(e, ERR_CONFIG, "%s:%d:%d: unknown key %s%s", f->name,
                   entry->line, entry->column, entry->key,
                   confnear_text(&n, "", meant, sizeof(meant)));
}

/* --- Checks -------------------------------------------------------------- */

static int fail(const struct conffile *f, const struct confyaml_entry *entry,
                const char *what, struct err *e)
{
    return err_set(e, ERR_CONFIG, "%s:%d:%d: %s %s", f->name, entry->line,
                   entry->column, entry->key, what);
}

static int option_check(const struct conffile *f, const struct conf_option *o,
                        const struct confyaml_entry *entry, struct err *e)
{
    if (entry->kind == CONFYAML_SECTION && !o->secret) {
        return fail(f, entry, "takes a value, nothing below it", e);
    }
    if (entry->kind == CONFYAML_LIST && o->type != CONF_LIST) {
        return fail(f, entry, "takes one value, not a list", e);
    }
    return 0;
}

static int entry_check(const struct conffile *f,
                       const struct confyaml_entry *entry, struct err *e)
{
    const struct conf_option *o = option_find(f->options, str_of(entry->key));

    if (o) {
        return option_check(f, o, entry, e);
    }
    if (strcmp(entry->key, "version") == 0) {
        return entry->kind == CONFYAML_VALUE && strcmp(entry->text, "1") == 0
                   ? 0
                   : fail(f, entry, "must be 1: this program knows no other",
                          e);
    }
    if (path_option(f->options, entry->key)) {
        return entry->kind == CONFYAML_VALUE
                   ? 0
                   : fail(f, entry, "takes the path of a file", e);
    }
    if (is_section(f->options, entry->key)) {
        return entry->kind == CONFYAML_SECTION || entry->kind == CONFYAML_NULL
                   ? 0
                   : fail(f, entry, "is a section: its keys go below it", e);
    }
    return unknown(f, entry, e);
}

/* Dotted keys could name a secret and its file. */
static int pair_check(const struct conffile *f,
                      const struct confyaml_entry *path, struct err *e)
{
    const struct conf_option *o = path_option(f->options, path->key);

    for (unsigned i = 0; o && i < f->yaml.count; i++) {
        const struct confyaml_entry *other = &f->yaml.entries[i];

        if (other->text && strcmp(other->key, o->key) == 0) {
            return fail(f, path, "and a value are both given; keep one", e);
        }
    }
    return 0;
}

static int keys_check(const struct conffile *f, struct err *e)
{
    for (unsigned i = 0; i < f->yaml.count; i++) {
        const struct confyaml_entry *entry = &f->yaml.entries[i];

        if (entry_check(f, entry, e) < 0 || pair_check(f, entry, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- Public -------------------------------------------------------------- */

int conffile_parse(struct conffile **ret_file, struct str text,
                   const char *name, const struct conf_option *options,
                   struct err *e)
{
    struct conffile *f = xcalloc(1, sizeof(*f));

    f->name = xstrdup(name);
    f->options = options;
    if (confyaml_read(&f->yaml, text, name, e) < 0 || keys_check(f, e) < 0) {
        conffile_close(f);
        return -1;
    }
    *ret_file = f;
    return 0;
}

/* At most one byte more than is allowed. */
static int text_read(int fd, struct buf *text)
{
    ssize_t n = 1;

    while (n > 0 && buf_ok(text)) {
        char part[16 * 1024];

        do {
            n = read(fd, part, sizeof(part));
        } while (n < 0 && errno == EINTR);
        if (n > 0) {
            buf_add(text, part, (size_t)n);
        }
    }
    return n < 0 ? -1 : 0;
}

int conffile_open(struct conffile **ret_file, const char *path,
                  const struct conf_option *options, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
    struct buf text;

    if (fd < 0) {
        return err_set(e, ERR_CONFIG, "configuration file %s: %s",
                       confvalue_shown(path), strerror(errno));
    }
    buf_init(&text, CONFYAML_BYTES_MAX);
    if (text_read(fd, &text) < 0) {
        rc = err_set(e, ERR_CONFIG, "configuration file %s: %s", path,
                     strerror(errno));
    } else if (!buf_ok(&text)) {
        rc = err_set(e, ERR_CONFIG, "configuration file %s: more than %d bytes",
                     path, CONFYAML_BYTES_MAX);
    } else {
        rc = conffile_parse(ret_file, buf_str(&text), path, options, e);
    }
    (void)close(fd);
    buf_fini(&text);
    return rc;
}

void conffile_close(struct conffile *file)
{
    if (file) {
        confyaml_fini(&file->yaml);
        xfree(file->name);
        xfree(file);
    }
}

const char *conffile_name(const struct conffile *file)
{
    return file->name;
}

void conffile_find(const struct conffile *file, const struct conf_option *o,
                   struct conffile_value *ret_value)
{
    *ret_value = (struct conffile_value){ 0 };
    for (unsigned i = 0; file && in_file(o) && i < file->yaml.count; i++) {
        const struct confyaml_entry *entry = &file->yaml.entries[i];
        bool is_path = path_option(file->options, entry->key) == o;

        if (entry->text && (is_path || strcmp(entry->key, o->key) == 0)) {
            *ret_value = (struct conffile_value){ .text = entry->text,
                                                  .is_path = is_path,
                                                  .line = entry->line,
                                                  .column = entry->column };
            return;
        }
    }
}

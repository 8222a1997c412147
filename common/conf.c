#include "common/conf.h"

#include <unistd.h>

#include "common/confargs.h"
#include "common/confhelp.h"
#include "common/confsource.h"
#include "common/confvalue.h"
#include "common/log.h"

enum { NAME_CHARS_MAX = 40 };

const struct conf_bind conf_common_binds[] = {
    { "config", offsetof(struct conf_common, config) },
    { "name", offsetof(struct conf_common, name) },
    { "kafka.brokers", offsetof(struct conf_common, brokers) },
    { "redis.url", offsetof(struct conf_common, redis_url) },
    { "log.level", offsetof(struct conf_common, log_level) },
    { "log.format", offsetof(struct conf_common, log_format) },
    { 0 },
};

/* --- The table ----------------------------------------------------------- */

const struct conf_option *conf_next(const struct conf_program *program,
                                    const struct conf_option *option)
{
    const struct conf_option *o = option ? option + 1 : program->options;

    while (o->key && !(o->programs & program->bit)) {
        o++;
    }
    return o->key ? o : NULL;
}

bool conf_listed(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = list; at && *at && len > 0;) {
        size_t n = strcspn(at, " ");

        if (n == len && memcmp(at, word, n) == 0) {
            return true;
        }
        at += n + strspn(at + n, " ");
    }
    return false;
}

/* "sinks.*.batch" matches "sinks.clickhouse.batch". */
static bool key_matches(const char *pattern, const char *key)
{
    const char *star = strchr(pattern, '*');
    size_t head;

    if (!star) {
        return strcmp(pattern, key) == 0;
    }
    head = (size_t)(star - pattern);
    return strncmp(pattern, key, head) == 0 &&
           strcmp(star + 1, key + head + strcspn(key + head, ".")) == 0;
}

const struct conf_bind *conf_bind_of(const struct conf_program *program,
                                     const struct conf_option *o)
{
    for (const struct conf_bind *const *t = program->binds; *t; t++) {
        for (const struct conf_bind *b = *t; b->key; b++) {
            if (key_matches(b->key, o->key)) {
                return b;
            }
        }
    }
    return NULL;
}

/* Options and binds are the same: conf.h. */
static void binds_check(const struct conf_program *program)
{
    const struct conf_option *o = NULL;

    while ((o = conf_next(program, o))) {
        CHECK(conf_bind_of(program, o) != NULL);
    }
    for (const struct conf_bind *const *t = program->binds; *t; t++) {
        for (const struct conf_bind *b = *t; b->key; b++) {
            o = conf_next(program, NULL);
            while (o && !key_matches(b->key, o->key)) {
                o = conf_next(program, o);
            }
            CHECK(o != NULL);
        }
    }
}

/* --- Loading ------------------------------------------------------------- */

static int value_store(const struct conf_program *program,
                       const struct conf_option *o,
                       const struct confsource_value *v, void *cfg,
                       struct err *e)
{
    const char *name = o->env ? o->env : o->flag ? o->flag : o->key;

    if (!v->text && (o->required & program->bit)) {
        return err_set(e, ERR_CONFIG, "%s is not set: %s", name, o->help);
    }
    if (!v->text) {
        return 0;
    }
    if (v->text[0] == '\0' && (o->required & program->bit)) {
        return err_set(e, ERR_CONFIG, "%s is empty: %s", v->name, o->help);
    }
    if (confvalue_store(o, v->text, cfg, conf_bind_of(program, o)->offset, e) <
        0) {
        (void)err_wrap(e, "%s", v->name);
        if (e && v->kind == CONFSOURCE_FLAG) {
            e->kind = ERR_USAGE;
        }
        return -1;
    }
    return 0;
}

static int option_load(const struct confsource *s, const struct conf_option *o,
                       void *cfg, struct err *e)
{
    struct confsource_value v;
    int rc = confsource_find(s, o, &v, e);

    if (rc == 0) {
        rc = value_store(s->program, o, &v, cfg, e);
    }
    confsource_fini(&v);
    return rc;
}

/* The file that --config or CDC_CONFIG names, else the default one when it
   exists. Leaves *ret_file NULL when there is none. */
static int file_open(struct confsource *s, struct conffile **ret_file,
                     struct err *e)
{
    const struct conf_option *o = conf_next(s->program, NULL);
    const char *path = CONF_FILE_DEFAULT;
    struct confsource_value v;
    int rc;

    while (o && strcmp(o->key, "config") != 0) {
        o = conf_next(s->program, o);
    }
    if (!o) {
        return 0; /* a table of a test */
    }
    rc = confsource_find(s, o, &v, e);
    if (rc == 0 && (v.text ? v.text[0] : access(path, F_OK) == 0)) {
        path = v.text ? v.text : path;
        rc = conffile_open(ret_file, path, s->program->options, e);
    }
    confsource_fini(&v);
    return rc;
}

static int options_load(const struct confsource *source, void *cfg,
                        struct err *e)
{
    const struct conf_option *o = NULL;

    while ((o = conf_next(source->program, o))) {
        if (option_load(source, o, cfg, e) < 0) {
            return -1;
        }
    }
    return 0;
}

int conf_load(const struct conf_program *program, void *cfg, int argc,
              char *const *argv, enum conf_action *ret_action,
              const char **ret_command, struct err *e)
{
    struct confsource source = { .program = program, .argv = argv };
    struct conffile *file = NULL;
    int rc;

    (void)argc; /* argv ends with NULL */
    binds_check(program);
    if (confargs_has(argv, "--help", "-h")) {
        confhelp_print(program);
        *ret_action = CONF_DONE;
        return 0;
    }
    if (confargs_has(argv, "--version", "-V")) {
        (void)printf("%s %s\n", program->name, CDC_VERSION);
        *ret_action = CONF_DONE;
        return 0;
    }
    if (confargs_check(program, argv, ret_command, e) < 0) {
        return -1;
    }
    rc = file_open(&source, &file, e);
    source.file = file;
    if (rc == 0) {
        rc = options_load(&source, cfg, e);
    }
    conffile_close(file);
    *ret_action = CONF_RUN;
    return rc;
}

void conf_free(const struct conf_program *program, void *cfg)
{
    const struct conf_option *o = NULL;

    while ((o = conf_next(program, o))) {
        const struct conf_bind *b = conf_bind_of(program, o);

        if (b && confvalue_is_text(o)) {
            char **field = (void *)((char *)cfg + b->offset);

            xfree(*field);
            *field = NULL;
        }
    }
}

int conf_fail(const struct conf_program *program, const struct err *e)
{
    char msg[80];

    if (e->kind == ERR_USAGE) {
        (void)fprintf(stderr, "%s: %s\nTry '%s --help'.\n", program->name,
                      e->text, program->name);
    } else {
        (void)snprintf(msg, sizeof(msg), "%s ends", program->name);
        log_error(msg, "error=%s", e->text);
    }
    return err_exit_code(e->kind);
}

int conf_common_start(const struct conf_common *c, const char *component,
                      struct err *e)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    enum log_level level;
    enum log_format format;
    size_t len = strlen(c->name);

    if (len == 0 || len > NAME_CHARS_MAX || c->name[0] == '_' ||
        c->name[0] == '-' || strspn(c->name, letters) != len) {
        return err_set(e, ERR_CONFIG,
                       "CDC_NAME \"%s\" is not a name of 1 to %d characters "
                       "a-z 0-9 _ - that begins with a letter or digit",
                       c->name, NAME_CHARS_MAX);
    }
    if (!log_level_parse(c->log_level, &level)) {
        return err_set(e, ERR_CONFIG,
                       "CDC_LOG_LEVEL \"%s\" is not debug, "
                       "info, warn or error",
                       c->log_level);
    }
    if (!log_format_parse(c->log_format, &format)) {
        return err_set(e, ERR_CONFIG,
                       "CDC_LOG_FORMAT \"%s\" is not logfmt "
                       "or json",
                       c->log_format);
    }
    log_init(component, level, format);
    return 0;
}

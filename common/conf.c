#include "common/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/confargs.h"
#include "common/confhelp.h"
#include "common/log.h"
#include "common/slice.h"

enum {
    SECRET_BYTES_MAX = 64 * 1024,
    NAME_CHARS_MAX = 40,
};

const struct conf_row conf_common_rows[] = {
    { .key = "name",
      .env = "CDC_NAME",
      .flag = "name",
      .type = CONF_STRING,
      .offset = offsetof(struct conf_common, name),
      .def = "cdc",
      .help = "the pipeline: prefix of its topics and consumer groups, name "
              "of slot and publication" },
    { .key = "kafka.brokers",
      .env = "KAFKA_BROKERS",
      .flag = "kafka-brokers",
      .type = CONF_STRING,
      .offset = offsetof(struct conf_common, brokers),
      .def = "localhost:9092",
      .required = true,
      .help = "Kafka brokers to ask first: host:port, several with commas" },
    { .key = "redis.url",
      .env = "REDIS_URL",
      .flag = "redis-url",
      .type = CONF_STRING,
      .offset = offsetof(struct conf_common, redis_url),
      .def = "redis://localhost:6379",
      .secret = true,
      .help = "registry of the running processes; empty switches it off" },
    { .key = "log.level",
      .env = "CDC_LOG_LEVEL",
      .flag = "log-level",
      .type = CONF_STRING,
      .offset = offsetof(struct conf_common, log_level),
      .def = "info",
      .help = "debug, info, warn or error" },
    { .key = "log.format",
      .env = "CDC_LOG_FORMAT",
      .flag = "log-format",
      .type = CONF_STRING,
      .offset = offsetof(struct conf_common, log_format),
      .def = "logfmt",
      .help = "logfmt or json, to stderr" },
    { 0 },
};

/* --- Values -------------------------------------------------------------- */

/* Where a row's value comes from, for the error texts. */
struct origin {
    const struct conf_row *row;
    const char *value;
    char name[128];     /* "--name", "CDC_NAME", "CDC_NAME_FILE" */
    enum err_kind kind; /* of an error in it */
};

static int int_parse(const struct origin *o, int *ret, struct err *e)
{
    int64_t n;

    if (!slice_i64(str_of(o->value), &n) || n < o->row->min ||
        n > o->row->max) {
        return err_set(e, o->kind,
                       "%s: \"%s\" is not a whole number from %d to %d",
                       o->name, o->row->secret ? "..." : o->value, o->row->min,
                       o->row->max);
    }
    *ret = (int)n;
    return 0;
}

static int bool_parse(const struct origin *o, bool *ret, struct err *e)
{
    static const char *const words[] = { "false", "true", "0",   "1",
                                         "no",    "yes",  "off", "on" };

    for (unsigned i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(o->value, words[i]) == 0) {
            *ret = i % 2 == 1;
            return 0;
        }
    }
    return err_set(e, o->kind, "%s: \"%s\" is not true or false", o->name,
                   o->row->secret ? "..." : o->value);
}

static int value_store(const struct origin *o, void *cfg, struct err *e)
{
    void *field = (char *)cfg + o->row->offset;

    if (o->row->required && o->value[0] == '\0') {
        return err_set(e, ERR_CONFIG, "%s is empty: %s", o->name, o->row->help);
    }
    switch (o->row->type) {
    case CONF_INT: return int_parse(o, field, e);
    case CONF_BOOL: return bool_parse(o, field, e);
    case CONF_STRING: break;
    }
    xfree(*(char **)field);
    *(char **)field = xstrdup(o->value);
    return 0;
}

/* The text of a file without one line break at its end. */
static int secret_read(const char *path, struct buf *text, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;

    if (fd < 0) {
        return err_set(e, ERR_CONFIG, "%s: %s", path, strerror(errno));
    }
    while (n > 0) {
        char part[4096];

        do {
            n = read(fd, part, sizeof(part));
        } while (n < 0 && errno == EINTR);
        if (n > 0) {
            buf_add(text, part, (size_t)n);
        }
    }
    if (n < 0) {
        (void)err_set(e, ERR_CONFIG, "%s: %s", path, strerror(errno));
    }
    (void)close(fd);
    if (n < 0) {
        return -1;
    }
    if (text->len > 0 && text->p[text->len - 1] == '\n') {
        text->len--;
    }
    if (text->len > 0 && text->p[text->len - 1] == '\r') {
        text->len--;
    }
    if (!buf_ok(text) || memchr(buf_z(text), '\0', text->len)) {
        return err_set(e, ERR_CONFIG, "%s: no text, or above %d bytes", path,
                       SECRET_BYTES_MAX);
    }
    return 0;
}

/* The environment's value: NAME, or the text of the file that NAME_FILE
   names, kept in `text`. Leaves o->value NULL when there is none. */
static int env_read(struct origin *o, struct buf *text, struct err *e)
{
    const char *direct = getenv(o->row->env), *path = NULL;

    if (o->row->secret) {
        (void)snprintf(o->name, sizeof(o->name), "%s_FILE", o->row->env);
        path = getenv(o->name);
    }
    if (direct && *direct && path && *path) {
        return err_set(e, ERR_CONFIG, "%s and %s are both set; keep one",
                       o->row->env, o->name);
    }
    if (path && *path) {
        if (secret_read(path, text, e) < 0) {
            return err_wrap(e, "%s", o->name);
        }
        o->value = buf_z(text);
        return 0;
    }
    (void)snprintf(o->name, sizeof(o->name), "%s", o->row->env);
    /* "X=" is a value for a text; for a number, as composed environments
       write it, it is none */
    if (direct && (*direct || o->row->type == CONF_STRING)) {
        o->value = direct;
    }
    return 0;
}

static int row_load(const struct conf_program *program,
                    const struct conf_row *row, char *const *argv, void *cfg,
                    struct err *e)
{
    struct origin o = { .row = row, .kind = ERR_CONFIG };
    struct buf text;
    int rc = 0;

    buf_init(&text, SECRET_BYTES_MAX);
    o.value = row->flag ? confargs_value(program, row, argv) : NULL;
    if (o.value) {
        (void)snprintf(o.name, sizeof(o.name), "--%s", row->flag);
        o.kind = ERR_USAGE;
    } else if (row->env) {
        rc = env_read(&o, &text, e);
    }
    if (rc == 0 && !o.value && row->def) {
        o.value = row->def;
    }
    if (rc == 0 && o.value) {
        rc = value_store(&o, cfg, e);
    } else if (rc == 0 && row->required) {
        rc = err_set(e, ERR_CONFIG, "%s is not set: %s",
                     row->env ? row->env : row->flag, row->help);
    }
    buf_fini(&text);
    return rc;
}

/* --- Public -------------------------------------------------------------- */

int conf_load(const struct conf_program *program, void *cfg, int argc,
              char *const *argv, enum conf_action *ret_action,
              const char **ret_command, struct err *e)
{
    (void)argc; /* argv ends with NULL */
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
    for (const struct conf_row *const *table = program->tables; *table;
         table++) {
        for (const struct conf_row *row = *table; row->key; row++) {
            if (row_load(program, row, argv, cfg, e) < 0) {
                return -1;
            }
        }
    }
    *ret_action = CONF_RUN;
    return 0;
}

void conf_free(const struct conf_program *program, void *cfg)
{
    for (const struct conf_row *const *table = program->tables; *table;
         table++) {
        for (const struct conf_row *row = *table; row->key; row++) {
            char **field = (void *)((char *)cfg + row->offset);

            if (row->type == CONF_STRING) {
                xfree(*field);
                *field = NULL;
            }
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

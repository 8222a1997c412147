#include "common/conf.h"

#include <unistd.h>

#include "common/confargs.h"
#include "common/confcheck.h"
#include "common/confconfig.h"
#include "common/confenv.h"
#include "common/confhelp.h"
#include "common/confsource.h"
#include "common/conftls.h"
#include "common/confvalue.h"
#include "common/log.h"
#include "common/registry.h"
#include "common/version.h"

enum { NAME_CHARS_MAX = 40 };

const struct conf_bind conf_common_binds[] = {
    { "config", offsetof(struct conf_common, config) },
    { "require_tls", offsetof(struct conf_common, require_tls) },
    { "offline", offsetof(struct conf_common, offline) },
    { "name", offsetof(struct conf_common, name) },
    { "kafka.brokers", offsetof(struct conf_common, brokers) },
    { "redis.url", offsetof(struct conf_common, redis_url) },
    { "redis.advertise", offsetof(struct conf_common, advertise) },
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

const struct conf_command *conf_command_at(const struct conf_program *program,
                                           unsigned i)
{
    static const struct conf_command config = {
        .name = "config",
        .help = "show the settings in force and where each comes from; pages "
                "made of the option table",
        .words = CONFCONFIG_WORDS
    };
    unsigned count = 0;

    while (program->commands[count].name) {
        count++;
    }
    if (i < count) {
        return &program->commands[i];
    }
    return i == count ? &config : NULL;
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

static const char *component_of(const struct conf_program *program)
{
    return program->name + strlen("cdc-");
}

/* An error before conf_start is logged in the form that was asked for, too,
   as far as the environment says it. */
static void log_early(const struct conf_program *program)
{
    const char *name = getenv("CDC_LOG_FORMAT");
    enum log_format format = LOG_LOGFMT;

    if (name) {
        (void)log_format_parse(name, &format);
    }
    log_init(component_of(program), LOG_INFO, format);
}

/* `config` names the file that was read, also the default one. */
static void file_note(const struct confsource *source, void *cfg)
{
    struct conf_common *c = cfg;

    if (source->file && !c->config) {
        c->config = xstrdup(conffile_name(source->file));
    }
}

static int options_load(const struct confsource *source, void *cfg,
                        struct err *e)
{
    const struct conf_option *o = NULL;

    while ((o = conf_next(source->program, o))) {
        if (confsource_store(source, o, cfg, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int run_load(const struct conf_program *program, void *cfg,
                    char *const *argv, struct err *e)
{
    struct confsource source = { 0 };
    int rc = confsource_open(&source, program, argv, e);

    if (rc == 0) {
        rc = options_load(&source, cfg, e);
        file_note(&source, cfg);
    }
    confsource_close(&source);
    return rc;
}

int conf_load(const struct conf_program *program, void *cfg, int argc,
              char *const *argv, enum conf_action *ret_action,
              const char **ret_command, struct err *e)
{
    struct confargs args;

    (void)argc; /* argv ends with NULL */
    binds_check(program);
    *ret_action = CONF_DONE;
    log_early(program);
    if (confargs_has(argv, "--help", "-h") || confargs_is(argv, "help")) {
        confhelp_print(program);
        return 0;
    }
    if (confargs_has(argv, "--version", "-V") || confargs_is(argv, "version")) {
        (void)printf("%s %s (%s)\n", program->name, version_text,
                     version_revision);
        return 0;
    }
    if (confargs_check(program, argv, &args, e) < 0) {
        return -1;
    }
    *ret_command = args.command;
    if (strcmp(args.command, "config") == 0) {
        return confconfig_run(program, cfg, argv, args.word, e);
    }
    if (args.offline) {
        return confcheck_run(program, cfg, argv, e);
    }
    *ret_action = CONF_RUN;
    return run_load(program, cfg, argv, e);
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

int conf_name_check(const char *name, struct err *e)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t len = strlen(name);

    if (len == 0 || len > NAME_CHARS_MAX || name[0] == '_' || name[0] == '-' ||
        strspn(name, letters) != len) {
        return err_set(e, ERR_CONFIG,
                       "CDC_NAME \"%s\" is not a name of 1 to %d characters "
                       "a-z 0-9 _ - that begins with a letter or digit",
                       confvalue_shown(name), NAME_CHARS_MAX);
    }
    return 0;
}

/* One warning, or the refusal, for each address without encryption. */
static int cleartext_check(const struct conf_program *program, const void *cfg,
                           struct err *e)
{
    const struct conf_common *c = cfg;
    struct conf_clear clear = { 0 };

    while (conf_clear_next(program, cfg, &clear)) {
        if (c->require_tls) {
            return err_set(e, ERR_CONFIG, "%s, or do without CDC_REQUIRE_TLS",
                           clear.text);
        }
        log_warn("cleartext beyond this machine", "address=%s", clear.text);
    }
    return 0;
}

bool conf_clear_next(const struct conf_program *program, const void *cfg,
                     struct conf_clear *clear)
{
    while ((clear->option = conf_next(program, clear->option))) {
        const struct conf_option *o = clear->option;
        const char *text = NULL;
        struct buf why;
        bool found;

        if (o->type == CONF_URL || strcmp(o->key, "kafka.brokers") == 0) {
            text = *(
                char *const *)(const void *)((const char *)cfg +
                                             conf_bind_of(program, o)->offset);
        }
        buf_init(&why, sizeof(clear->text));
        found = conftls_clear(o, text, &why);
        (void)snprintf(clear->text, sizeof(clear->text), "%s: %s",
                       o->env ? o->env : o->key, buf_z(&why));
        buf_fini(&why);
        if (found) {
            return true;
        }
    }
    return false;
}

int conf_start(const struct conf_program *program, const void *cfg,
               struct err *e)
{
    const struct conf_common *c = cfg;
    struct confenv typo = { 0 };
    enum log_level level = LOG_INFO;
    enum log_format format = LOG_LOGFMT;

    if (conf_name_check(c->name, e) < 0 ||
        registry_url_check(c->redis_url, e) < 0) {
        return -1;
    }
    /* conf_load let no other words pass */
    CHECK(log_level_parse(c->log_level, &level));
    CHECK(log_format_parse(c->log_format, &format));
    log_init(component_of(program), level, format);
    log_info("settings read", "file=%s version=%s revision=%s",
             c->config ? c->config : "", version_text, version_revision);
    while (confenv_next(program->options, environ, &typo)) {
        log_warn("a variable that is not ours", "name=%s meant=%s", typo.name,
                 typo.meant);
    }
    return cleartext_check(program, cfg, e);
}

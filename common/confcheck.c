#include "common/confcheck.h"

#include <unistd.h>

#include "common/confenv.h"
#include "common/confsource.h"
#include "common/registry.h"

/* The first failure is what the caller returns. */
static void failed(const char *what, const struct err *now, struct err *first)
{
    (void)printf("failed %s: %s\n", what, now->text);
    if (first->kind == ERR_NONE) {
        *first = *now;
    }
}

static void options_check(const struct confsource *source, void *cfg,
                          struct err *first)
{
    const struct conf_option *o = NULL;
    struct err now;

    while ((o = conf_next(source->program, o))) {
        if (confsource_store(source, o, cfg, &now) < 0) {
            failed(o->key, &now, first);
        }
    }
}

static void addresses_check(const struct conf_program *program, const void *cfg,
                            struct err *first)
{
    const struct conf_common *c = cfg;
    struct conf_clear clear = { 0 };
    struct err now;

    while (conf_clear_next(program, cfg, &clear)) {
        if (c->require_tls) {
            (void)err_set(&now, ERR_CONFIG, "%s, or do without CDC_REQUIRE_TLS",
                          clear.text);
            failed(clear.option->key, &now, first);
        } else {
            (void)printf("warn   %s: %s\n", clear.option->key, clear.text);
        }
    }
}

static void environment_check(const struct conf_program *program)
{
    struct confenv typo = { 0 };

    while (confenv_next(program->options, environ, &typo)) {
        (void)printf("warn   environment: %s is no variable of ours; did you "
                     "mean %s?\n",
                     typo.name, typo.meant);
    }
}

int confcheck_run(const struct conf_program *program, void *cfg,
                  char *const *argv, struct err *e)
{
    const struct conf_common *c = cfg;
    struct confsource source = { 0 };
    struct err now, first = { 0 };

    if (confsource_open(&source, program, argv, &now) < 0) {
        failed("file", &now, &first);
        *e = first;
        return -1;
    }
    options_check(&source, cfg, &first);
    if (c->name && conf_name_check(c->name, &now) < 0) {
        failed("name", &now, &first);
    }
    if (c->listen && server_listen_check(c->listen, &now) < 0) {
        failed("listen", &now, &first);
    }
    if (registry_url_check(c->redis_url, &now) < 0) {
        failed("redis.url", &now, &first);
    }
    addresses_check(program, cfg, &first);
    environment_check(program);
    if (first.kind == ERR_NONE && program->check &&
        program->check(cfg, &now) < 0) {
        failed("values", &now, &first);
    }
    if (first.kind == ERR_NONE) {
        (void)printf("ok     configuration of %s, %s%s\n", program->name,
                     source.file ? "with the file " : "without a file",
                     source.file ? conffile_name(source.file) : "");
    }
    confsource_close(&source);
    if (first.kind != ERR_NONE) {
        *e = first;
        return -1;
    }
    return 0;
}

/*
 * cdc-monitor - watches the pipeline: health, lag and metrics over HTTP.
 */
#include "common/log.h"
#include "common/metrics.h"
#include "common/stop.h"
#include "monitor/api.h"
#include "monitor/ask.h"
#include "monitor/check.h"
#include "monitor/validatecmd.h"

enum { TICK_MS = 500 };

static int join_registry(struct registry **ret, const struct settings *s,
                         const struct api *api, struct watch *w, struct err *e)
{
    return registry_open(ret,
                         &(struct registry_conf){
                             .url = s->common.redis_url,
                             .name = s->common.name,
                             .role = "monitor",
                             .listen = s->common.listen,
                             .advertise = s->common.advertise,
                             .server = api_server(api),
                             .kept = "consistency",
                             .seen = watch_registry,
                             .arg = w,
                         },
                         e);
}

/* The last comparison, for whoever asks Redis; `last` is what it was told. */
static void share(struct registry *registry, struct consistency *consistency,
                  struct buf *last)
{
    struct buf text;

    if (consistency_state(consistency) == CONSISTENCY_UNKNOWN) {
        return;
    }
    buf_init(&text, REGISTRY_KEPT_BYTES_MAX);
    consistency_write(consistency, &text);
    if (buf_ok(&text) && !str_eq(buf_str(&text), buf_str(last))) {
        registry_keep(registry, buf_str(&text));
        buf_reset(last);
        buf_str_add(last, buf_str(&text));
    }
    buf_fini(&text);
}

static int run(const struct settings *s, struct err *e)
{
    struct watch *w = NULL;
    struct api *api = NULL;
    struct registry *registry = NULL;
    struct consistency *consistency = NULL;
    struct buf shared;
    bool ended;
    int rc = -1;

    buf_init(&shared, REGISTRY_KEPT_BYTES_MAX);
    metrics_init("monitor");
    if (watch_open(&w, s, e) < 0 || consistency_open(&consistency, s, e) < 0 ||
        api_open(&api, s->common.listen, w, consistency, e) < 0 ||
        join_registry(&registry, s, api, w, e) < 0 || watch_start(w, e) < 0 ||
        consistency_start(consistency, e) < 0) {
        goto out;
    }
    log_info("started", "name=%s listen=%s", s->common.name, s->common.listen);
    do {
        watch_inconsistent(w, consistency_state(consistency) ==
                                  CONSISTENCY_DIFFERENT);
        api_ready(api, watch_tick(w));
        share(registry, consistency, &shared);
    } while (!stop_wait(TICK_MS));
    log_info("stopping", "");
    rc = 0;
out:
    stop_request();
    registry_close(registry);
    api_close(api);
    buf_fini(&shared);
    ended = consistency_close(consistency);
    if (!watch_close(w) || !ended) {
        _Exit(rc < 0 ? err_exit_code(e->kind) : 0);
    }
    return rc;
}

static int command_run(const struct settings *s, const char *command,
                       struct err *e)
{
    if (stop_init(e) < 0) {
        return -1;
    }
    if (strcmp(command, "healthcheck") == 0) {
        return ask_ready(s, e);
    }
    if (strcmp(command, "status") == 0) {
        return ask_status(s, e);
    }
    if (conf_start(&settings_program, s, e) < 0) {
        return -1;
    }
    if (strcmp(command, "validate") == 0) {
        return validatecmd(s, e);
    }
    return strcmp(command, "check") == 0 ? check_services(s, e) : run(s, e);
}

int main(int argc, char **argv)
{
    struct settings settings = { 0 };
    struct err e = { 0 };
    enum conf_action action = CONF_RUN;
    const char *command = NULL;
    int rc = conf_load(&settings_program, &settings, argc, argv, &action,
                       &command, &e);

    if (rc == 0 && action == CONF_RUN) {
        rc = command_run(&settings, command, &e);
    }
    conf_free(&settings_program, &settings);
    return rc < 0 ? conf_fail(&settings_program, &e) : 0;
}

#include "monitor/ask.h"

#include <unistd.h>

#include "common/http.h"
#include "common/stop.h"

enum { ASK_MS = 3000, AGAIN_MS = 2000, ANSWER_BYTES_MAX = 16 << 20 };

/* Home, and clear to the end: the screen does not flicker. */
#define SCREEN_BEGIN "\033[H"
#define SCREEN_END "\033[J"

/* "0.0.0.0:3000" is reached at 127.0.0.1, "[::]:3000" at [::1]. */
static void self_url(struct buf *b, const char *listen)
{
    const char *colon = strrchr(listen, ':');
    struct str host = str_of(listen);

    if (colon) {
        host.len = (size_t)(colon - listen);
    }
    if (host.len == 0 || str_eq(host, STR("0.0.0.0")) ||
        str_eq(host, STR("*"))) {
        host = STR("127.0.0.1");
    } else if (str_eq(host, STR("[::]"))) {
        host = STR("[::1]");
    }
    buf_printf(b, "http://%.*s%s", STR_ARG(host), colon ? colon : "");
}

/* One GET; the answer's status and body are in `rq`. */
static int ask(const struct settings *s, struct http_request *rq, struct err *e)
{
    struct http *http = NULL;
    struct buf url;
    int rc;

    rq->method = "GET";
    rq->deadline_ms = ASK_MS;
    buf_init(&url, 1024);
    self_url(&url, s->common.listen);
    rc = http_open(&http, &(struct http_conf){ .url = buf_z(&url) }, e);
    if (rc == 0) {
        rc = http_run(http, rq, 1, e);
    }
    http_close(http);
    buf_fini(&url);
    return rc;
}

int ask_ready(const struct settings *s, struct err *e)
{
    struct http_request rq = { .path = "/api/v1/data-sync/ready" };
    int rc;

    buf_init(&rq.reply, ANSWER_BYTES_MAX);
    rc = ask(s, &rq, e);
    if (rc == 0 && rq.status != 200) {
        rc = err_set(e, ERR_FATAL, "not ready: HTTP %d", rq.status);
    } else if (rc < 0) {
        e->kind = ERR_FATAL; /* exit 1, whatever it was: a probe has two ends */
    }
    buf_fini(&rq.reply);
    return rc;
}

static int status_get(const struct settings *s, struct buf *reply,
                      struct err *e)
{
    struct http_request rq = { .path =
                                   s->json ? "/api/v1/data-sync/status" : "/",
                               .reply = *reply };
    int rc = ask(s, &rq, e);

    *reply = rq.reply;
    if (rc < 0) {
        e->kind = ERR_UNREACHABLE;
        return err_wrap(e, "no monitor answers on %s", s->common.listen);
    }
    if (rq.status != 200) {
        return err_set(e, ERR_FATAL,
                       "what answers on %s is no monitor: "
                       "HTTP %d for %s",
                       s->common.listen, rq.status, rq.path);
    }
    return 0;
}

/* A monitor that is away is shown as such; it may come back. */
static void screen_write(int rc, const struct buf *reply, const struct err *e)
{
    bool terminal = isatty(STDOUT_FILENO);

    if (terminal) {
        (void)fputs(SCREEN_BEGIN SCREEN_END, stdout);
    }
    if (rc == 0) {
        (void)fwrite(reply->p, 1, reply->len, stdout);
    } else {
        (void)puts(e->text);
    }
    if (rc == 0 && reply->len > 0 && reply->p[reply->len - 1] != '\n') {
        (void)putchar('\n');
    }
    (void)fflush(stdout);
}

int ask_status(const struct settings *s, struct err *e)
{
    struct buf reply;
    int rc;

    buf_init(&reply, ANSWER_BYTES_MAX);
    do {
        buf_reset(&reply);
        rc = status_get(s, &reply, e);
        if (rc == 0 || s->watch) {
            screen_write(rc, &reply, e);
        }
    } while (s->watch && !stop_wait(AGAIN_MS));
    buf_fini(&reply);
    return s->watch ? 0 : rc;
}

#include "monitor/api.h"

#include "common/clock.h"
#include "common/json.h"
#include "monitor/page.h"

enum { ANSWER_BYTES_MAX = 16 << 20, ROUTES_MAX = 8 };

/* One kept answer; the listener's thread only. */
struct answer {
    struct buf body;
    int status;
    int64_t at_ms; /* 0 = none yet */
};

struct api {
    struct watch *watch;
    struct consistency *consistency;
    struct server *server;
    struct server_route routes[ROUTES_MAX];
    struct answer health, metrics, status, text;
    char policy[PAGE_POLICY_BYTES];
};

static bool answer_is_fresh(struct answer *answer)
{
    int64_t now_ms = clock_ms();

    if (answer->at_ms != 0 && now_ms - answer->at_ms < API_KEEP_MS) {
        return true;
    }
    answer->at_ms = now_ms;
    buf_reset(&answer->body);
    return false;
}

static void answer_give(const struct answer *answer,
                        struct server_reply *ret_reply)
{
    if (!buf_ok(&answer->body)) {
        ret_reply->status = 500;
        ret_reply->content_type = "application/json";
        buf_lit(&ret_reply->body, "{\"error\":\"answer too large\"}");
        return;
    }
    ret_reply->status = answer->status;
    buf_str_add(&ret_reply->body, buf_str(&answer->body));
}

static void on_health(void *arg, struct server_reply *ret_reply)
{
    struct api *a = arg;

    if (!answer_is_fresh(&a->health)) {
        enum health health = watch_health(a->watch, &a->health.body);

        a->health.status = health == UNHEALTHY ? 503 : 200;
    }
    answer_give(&a->health, ret_reply);
}

static void on_metrics(void *arg, struct server_reply *ret_reply)
{
    struct api *a = arg;

    if (!answer_is_fresh(&a->metrics)) {
        watch_metrics(a->watch, &a->metrics.body);
        a->metrics.status = 200;
    }
    ret_reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    answer_give(&a->metrics, ret_reply);
}

/* What the facts say, and with it what the last comparison said. */
static void status_make(struct api *a, struct buf *b)
{
    watch_status(a->watch, b, false);
    if (buf_ok(b) && consistency_state(a->consistency) != CONSISTENCY_UNKNOWN) {
        b->len--; /* the closing brace */
        json_member(b, STR("consistency"));
        consistency_write(a->consistency, b);
        buf_char(b, '}');
    }
}

static void on_status(void *arg, struct server_reply *ret_reply)
{
    struct api *a = arg;

    if (!answer_is_fresh(&a->status)) {
        status_make(a, &a->status.body);
        a->status.status = 200;
    }
    answer_give(&a->status, ret_reply);
}

/* A page for browsers, the same as text for everything else. */
static void on_root(void *arg, struct server_reply *ret_reply)
{
    struct api *a = arg;

    if (ret_reply->html) {
        char nonce[PAGE_NONCE_BYTES];

        page_nonce(nonce);
        page_policy(a->policy, nonce);
        ret_reply->policy = a->policy;
        ret_reply->content_type = "text/html; charset=utf-8";
        page_write(&ret_reply->body, nonce);
        return;
    }
    if (!answer_is_fresh(&a->text)) {
        watch_status(a->watch, &a->text.body, true);
        a->text.status = 200;
    }
    ret_reply->content_type = "text/plain; charset=utf-8";
    answer_give(&a->text, ret_reply);
}

static void on_consistency(void *arg, struct server_reply *ret_reply)
{
    struct api *a = arg;

    consistency_write(a->consistency, &ret_reply->body);
}

static void routes_make(struct api *a)
{
    unsigned n = 0;

    a->routes[n++] =
        (struct server_route){ "/api/v1/data-sync/health", on_health, a };
    a->routes[n++] =
        (struct server_route){ "/api/v1/data-sync/metrics", on_metrics, a };
    a->routes[n++] = (struct server_route){ "/metrics", on_metrics, a };
    a->routes[n++] =
        (struct server_route){ "/api/v1/data-sync/status", on_status, a };
    a->routes[n++] = (struct server_route){ "/status", on_status, a };
    a->routes[n++] = (struct server_route){ "/", on_root, a };
    a->routes[n++] = (struct server_route){ "/api/v1/data-sync/consistency",
                                            on_consistency, a };
    CHECK(n < ROUTES_MAX); /* the last one stays empty */
}

int api_open(struct api **ret_api, const char *listen, struct watch *w,
             struct consistency *c, struct err *e)
{
    struct api *a = xcalloc(1, sizeof(*a));

    a->watch = w;
    a->consistency = c;
    buf_init(&a->health.body, ANSWER_BYTES_MAX);
    buf_init(&a->metrics.body, ANSWER_BYTES_MAX);
    buf_init(&a->status.body, ANSWER_BYTES_MAX);
    buf_init(&a->text.body, ANSWER_BYTES_MAX);
    routes_make(a);
    if (server_open(&a->server, listen, a->routes, e) < 0) {
        api_close(a);
        return -1;
    }
    *ret_api = a;
    return 0;
}

void api_ready(struct api *a, bool ready)
{
    server_ready(a->server, ready);
}

const struct server *api_server(const struct api *a)
{
    return a->server;
}

void api_close(struct api *a)
{
    if (a == NULL) {
        return;
    }
    server_close(a->server);
    buf_fini(&a->health.body);
    buf_fini(&a->metrics.body);
    buf_fini(&a->status.body);
    buf_fini(&a->text.body);
    xfree(a);
}

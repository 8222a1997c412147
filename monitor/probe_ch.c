#include "monitor/probe_ch.h"

enum { REPLY_BYTES_MAX = 16 * 1024 };

/* Does the URL carry user and password itself? */
static bool url_has_user(const char *url)
{
    const char *host = strstr(url, "://");
    size_t len;

    host = host ? host + 3 : url;
    len = strcspn(host, "/?#");
    return memchr(host, '@', len) != NULL;
}

int probe_ch_open(struct probe_ch *p, const char *host, const char *user,
                  const char *password, struct err *e)
{
    bool own = url_has_user(host);
    struct http_conf conf = { .url = host,
                              .default_port = 8123,
                              .user = own ? NULL : user,
                              .password = own ? NULL : password };

    *p = (struct probe_ch){ 0 };
    if (http_open(&p->http, &conf, e) < 0) {
        return err_wrap(e, "CLICKHOUSE_HOST");
    }
    return 0;
}

void probe_ch_close(struct probe_ch *p)
{
    http_close(p->http);
    p->http = NULL;
}

/* AUTHENTICATION_FAILED, REQUIRED_PASSWORD, WRONG_PASSWORD, UNKNOWN_USER,
   ACCESS_DENIED of ClickHouse's ErrorCodes.cpp. */
static bool is_refusal(const struct http_request *rq)
{
    static const char *const codes[] = { "516", "194", "193", "192", "497" };

    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        if (strcmp(rq->exception_code, codes[i]) == 0) {
            return true;
        }
    }
    return rq->status == 401 || rq->status == 403;
}

int probe_ch_judge(const struct http_request *rq, char ret_what[100],
                   struct err *e)
{
    struct str body = buf_str(&rq->reply);

    if (rq->status == 0) {
        return err_set(e, ERR_UNREACHABLE, "%s", rq->why);
    }
    if (is_refusal(rq)) {
        return err_set(e, ERR_PERMISSION, "access refused (HTTP %d, code %s)",
                       rq->status, rq->exception_code);
    }
    if (rq->status != 200 || rq->exception_code[0] != '\0') {
        return err_set(e, ERR_UNREACHABLE, "HTTP %d, code %s", rq->status,
                       rq->exception_code[0] ? rq->exception_code : "-");
    }
    if (body.len > 0 && body.p[body.len - 1] == '\n') {
        body.len--;
    }
    if (body.len == 0 || body.len > 40 || body.p[0] < '0' || body.p[0] > '9') {
        return err_set(e, ERR_UNREACHABLE, "the answer is not ClickHouse's");
    }
    (void)snprintf(ret_what, 100, "ClickHouse %.*s", STR_ARG(body));
    return 0;
}

int probe_ch_check(struct probe_ch *p, char ret_what[100], struct err *e)
{
    struct http_request rq = { .method = "GET",
                               .path = "/?query=SELECT%20version()",
                               .deadline_ms = PROBE_CH_MS };
    int rc;

    buf_init(&rq.reply, REPLY_BYTES_MAX);
    /* the judgement looks at the request's own result */
    (void)!http_run(p->http, &rq, 1, NULL);
    rc = probe_ch_judge(&rq, ret_what, e);
    buf_fini(&rq.reply);
    return rc;
}

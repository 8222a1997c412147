/*
 * stub.h - a target of our own making: an HTTP server in a thread, which
 * hands each whole request to the test's function.
 *
 * The function runs on the server's thread; the test looks at what it left
 * behind only after the request has ended. Included by one program each.
 */
#pragma once

#include <microhttpd.h>

#include "common/buf.h"

struct stub_reply {
    int status;
    const char *code; /* X-ClickHouse-Exception-Code, or NULL */
    char summary[64]; /* X-ClickHouse-Summary, or "" */
    struct buf body;
};

/* `query` is the decoded argument of that name, or "". */
typedef void stub_fn(void *arg, const char *path, const char *query,
                     struct str body, struct stub_reply *ret_reply);

struct stub {
    struct MHD_Daemon *daemon;
    stub_fn *fn;
    void *arg;
    char url[64];
};

static enum MHD_Result stub_answer(struct stub *s, struct MHD_Connection *c,
                                   const char *path, struct buf *body)
{
    const char *query =
        MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "query");
    struct stub_reply reply = { .status = 200 };
    struct MHD_Response *response;
    enum MHD_Result rc;

    buf_init(&reply.body, SIZE_MAX);
    s->fn(s->arg, path, query ? query : "", buf_str(body), &reply);
    response = MHD_create_response_from_buffer(
        reply.body.len, reply.body.p ? reply.body.p : s->url,
        MHD_RESPMEM_MUST_COPY);
    if (reply.code) {
        (void)MHD_add_response_header(response, "X-ClickHouse-Exception-Code",
                                      reply.code);
    }
    if (reply.summary[0] != '\0') {
        (void)MHD_add_response_header(response, "X-ClickHouse-Summary",
                                      reply.summary);
    }
    rc = MHD_queue_response(c, (unsigned)reply.status, response);
    MHD_destroy_response(response);
    buf_fini(&reply.body);
    return rc;
}

static enum MHD_Result stub_part(void *arg, struct MHD_Connection *c,
                                 const char *path, const char *method,
                                 const char *version, const char *data,
                                 size_t *size, void **request)
{
    struct buf *body = *request;
    enum MHD_Result rc = MHD_YES;

    (void)method;
    (void)version;
    if (!body) {
        body = xcalloc(1, sizeof(*body));
        buf_init(body, SIZE_MAX);
        *request = body;
    } else if (*size > 0) {
        buf_add(body, data, *size);
        *size = 0;
    } else {
        rc = stub_answer(arg, c, path, body);
        buf_fini(body);
        xfree(body);
        *request = NULL;
    }
    return rc;
}

static void stub_start(struct stub *s, stub_fn *fn, void *arg)
{
    const union MHD_DaemonInfo *info;

    s->fn = fn;
    s->arg = arg;
    s->daemon = MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD,
                                 0, NULL, NULL, stub_part, s,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                 (size_t)(1 << 20), MHD_OPTION_END);
    CHECK(s->daemon != NULL);
    info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
    CHECK(info != NULL && info->port != 0);
    (void)snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u",
                   (unsigned)info->port);
}

static void stub_stop(struct stub *s)
{
    MHD_stop_daemon(s->daemon);
}

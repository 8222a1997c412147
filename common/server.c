#include "common/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "common/metrics.h"
#include "common/slice.h"

enum {
    CONNECTIONS_MAX = 64,
    IDLE_S = 10,
    CONNECTION_BYTES = 16 * 1024, /* a request's head, and the answer's */
    REPLY_BYTES_MAX = 16 << 20,
    BACKLOG = 64,
};

struct server {
    struct MHD_Daemon *daemon;
    const struct server_route *routes;
    atomic_bool ready;
    int port;
};

/* --- Routes -------------------------------------------------------------- */

static void live_route(void *arg, struct server_reply *ret_reply)
{
    (void)arg;
    buf_lit(&ret_reply->body,
            "{\"alive\":true,\"message\":\"Service is alive\"}");
}

static void ready_route(void *arg, struct server_reply *ret_reply)
{
    struct server *srv = arg;

    if (atomic_load(&srv->ready)) {
        buf_lit(&ret_reply->body,
                "{\"ready\":true,\"message\":\"Service is ready\"}");
    } else {
        ret_reply->status = MHD_HTTP_SERVICE_UNAVAILABLE;
        buf_lit(&ret_reply->body,
                "{\"ready\":false,\"message\":\"Service is not ready\"}");
    }
}

static void metrics_route(void *arg, struct server_reply *ret_reply)
{
    (void)arg;
    ret_reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write(&ret_reply->body, metrics_component());
}

/* The built-in ones get the server as their argument. */
static const struct server_route builtin[] = {
    { "/livez", live_route, NULL },
    { "/readyz", ready_route, NULL },
    { "/metrics", metrics_route, NULL },
    { "/api/v1/data-sync/live", live_route, NULL },
    { "/api/v1/data-sync/ready", ready_route, NULL },
    { "/api/v1/data-sync/metrics", metrics_route, NULL },
    { NULL, NULL, NULL },
};

static const struct server_route *route_find(const struct server_route *list,
                                             const char *path)
{
    for (; list && list->path; list++) {
        if (strcmp(list->path, path) == 0) {
            return list;
        }
    }
    return NULL;
}

static void reply_make(struct server *srv, const char *path,
                       struct server_reply *reply)
{
    const struct server_route *route = route_find(srv->routes, path);

    if (route) {
        route->fn(route->arg, reply);
    } else if ((route = route_find(builtin, path))) {
        route->fn(srv, reply);
    } else {
        reply->status = MHD_HTTP_NOT_FOUND;
        buf_lit(&reply->body, "{\"error\":\"not found\"}");
    }
    if (!buf_ok(&reply->body)) {
        buf_reset(&reply->body);
        reply->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
        reply->content_type = "application/json";
        buf_lit(&reply->body, "{\"error\":\"answer too large\"}");
    }
}

/* --- libmicrohttpd ------------------------------------------------------- */

/* Hands the body over to libmicrohttpd. */
static enum MHD_Result reply_queue(struct MHD_Connection *connection,
                                   struct server_reply *reply, bool allow)
{
    struct MHD_Response *response;
    enum MHD_Result rc;

    (void)buf_reserve(&reply->body, 0); /* an empty body has memory, too */
    response = MHD_create_response_from_buffer_with_free_callback(
        reply->body.len, reply->body.p, xfree);
    if (!response) {
        buf_fini(&reply->body);
        return MHD_NO; /* closes the connection */
    }
    reply->body = (struct buf){ 0 };
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                  reply->content_type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
                                  "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options",
                                  "nosniff");
    if (reply->policy) {
        (void)MHD_add_response_header(response, "Content-Security-Policy",
                                      reply->policy);
        (void)MHD_add_response_header(response, "Referrer-Policy",
                                      "no-referrer");
    }
    if (allow) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
                                      "GET, HEAD");
    }
    rc = MHD_queue_response(connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return rc;
}

static bool has_body(struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(
        connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return (length && strcmp(length, "0") != 0) ||
           MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                       MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/* A browser names text/html, curl and probes do not. */
static bool asks_for_html(struct MHD_Connection *connection)
{
    const char *accept = MHD_lookup_connection_value(
        connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);

    return accept && strstr(accept, "text/html");
}

/* Called when the head has been read and, for a request that is then left
   alone, once more at its end. An answer to the first call closes the
   connection, so that no body need be read. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *upload,
                                  size_t *upload_len, void **state)
{
    static int seen; /* its address only */
    struct server_reply reply = { .status = MHD_HTTP_OK,
                                  .content_type = "application/json" };
    bool first = *state != &seen;
    bool allowed = strcmp(method, MHD_HTTP_METHOD_GET) == 0 ||
                   strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    bool body = allowed && first && has_body(connection);

    (void)version;
    (void)upload;
    (void)upload_len;
    *state = &seen;
    if (first && allowed && !body) {
        return MHD_YES;
    }
    buf_init(&reply.body, REPLY_BYTES_MAX);
    if (!allowed) {
        reply.status = MHD_HTTP_METHOD_NOT_ALLOWED;
        buf_lit(&reply.body, "{\"error\":\"method not allowed\"}");
    } else if (body) {
        reply.status = MHD_HTTP_CONTENT_TOO_LARGE;
        buf_lit(&reply.body, "{\"error\":\"no body is expected\"}");
    } else {
        reply.html = asks_for_html(connection);
        reply_make(arg, url, &reply);
    }
    return reply_queue(connection, &reply, !allowed);
}

/* No path of ours has a percent sign, and decoded ones end at a %00: as sent,
   such a path is simply not found. */
static size_t unescape_nothing(void *arg, struct MHD_Connection *connection,
                               char *text)
{
    (void)arg;
    (void)connection;
    return strlen(text);
}

/* --- Listening ----------------------------------------------------------- */

/* Cuts "host:port", "[v6]:port" and ":port" (every address, both families
   where the system has them). */
static int listen_cut(const char *listen_on, char *ret_host, size_t host_max,
                      const char **ret_port)
{
    const char *colon = strrchr(listen_on, ':');
    struct str host = { listen_on, colon ? (size_t)(colon - listen_on) : 0 };

    if (!colon || colon[1] == '\0' || host.len >= host_max) {
        return -1;
    }
    if (host.len >= 2 && host.p[0] == '[' && host.p[host.len - 1] == ']') {
        host = (struct str){ host.p + 1, host.len - 2 };
    } else if (memchr(host.p, ':', host.len)) {
        return -1; /* an IPv6 address wants its brackets */
    }
    memcpy(ret_host, host.p, host.len);
    ret_host[host.len] = '\0';
    *ret_port = colon + 1;
    return 0;
}

static int socket_bind(const struct addrinfo *addr, int *ret_port)
{
    const int one = 1, zero = 0;
    struct sockaddr_storage bound;
    socklen_t len = sizeof(bound);
    int saved, fd = socket(addr->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (addr->ai_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
    }
    if (bind(fd, addr->ai_addr, addr->ai_addrlen) < 0 ||
        listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &len) < 0) {
        saved = errno;
        (void)close(fd);
        errno = saved;
        return -1;
    }
    /* the port is at the same place in both families */
    *ret_port = ntohs(((struct sockaddr_in *)&bound)->sin_port);
    return fd;
}

/* A URL that got to the wrong place may hold a password. */
static int listen_refuse(const char *listen_on, struct err *e)
{
    return err_set(e, ERR_CONFIG, "listen address \"%s\" is not host:port",
                   strpbrk(listen_on, "/=") ? "(a URL)" : listen_on);
}

int server_listen_check(const char *listen_on, struct err *e)
{
    char host[256];
    const char *port;
    int64_t n;

    if (listen_cut(listen_on, host, sizeof(host), &port) < 0 ||
        !slice_i64(str_of(port), &n) || n < 0 || n > UINT16_MAX) {
        return listen_refuse(listen_on, e);
    }
    return 0;
}

/* A listening socket, or -1. */
static int socket_open(const char *listen_on, int *ret_port, struct err *e)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *list = NULL;
    char host[256];
    const char *port;
    int rc, fd = -1, saved = 0;

    if (listen_cut(listen_on, host, sizeof(host), &port) < 0) {
        return listen_refuse(listen_on, e);
    }
    rc = getaddrinfo(host[0] ? host : NULL, port, &hints, &list);
    if (rc != 0) {
        return err_set(e, ERR_CONFIG, "listen address \"%s\": %s", listen_on,
                       gai_strerror(rc));
    }
    for (int family = 0; family < 2 && fd < 0; family++) {
        for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
            /* ":port": the IPv6 socket takes IPv4 as well, so it goes first */
            if ((a->ai_family == AF_INET6) == (family == 0)) {
                fd = socket_bind(a, ret_port);
                saved = fd < 0 ? errno : 0;
            }
        }
    }
    freeaddrinfo(list);
    if (fd < 0) {
        (void)err_set(e, ERR_CONFIG, "cannot listen on %s: %s", listen_on,
                      strerror(saved));
    }
    return fd;
}

int server_open(struct server **ret_server, const char *listen_on,
                const struct server_route *routes, struct err *e)
{
    struct server *srv;
    int port, fd = socket_open(listen_on, &port, e);

    if (fd < 0) {
        return -1;
    }
    srv = xcalloc(1, sizeof(*srv));
    srv->routes = routes;
    srv->port = port;
    /* takes the socket, and closes it when it ends */
    srv->daemon = MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, on_request, srv,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_UNESCAPE_CALLBACK,
        unescape_nothing, NULL, MHD_OPTION_END);
    if (!srv->daemon) {
        (void)close(fd);
        xfree(srv);
        return err_set(e, ERR_FATAL, "status listener on %s does not start",
                       listen_on);
    }
    *ret_server = srv;
    return 0;
}

void server_ready(struct server *srv, bool ready)
{
    atomic_store(&srv->ready, ready);
}

bool server_is_ready(const struct server *srv)
{
    return atomic_load(&srv->ready);
}

int server_port(const struct server *srv)
{
    return srv->port;
}

void server_close(struct server *srv)
{
    if (srv) {
        MHD_stop_daemon(srv->daemon);
        xfree(srv);
    }
}

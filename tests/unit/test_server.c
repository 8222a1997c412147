/* links: cdc_base */
/* server.h over real sockets: probes, methods, limits, addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/metrics.h"
#include "common/server.h"

static char answer[1 << 20];

static int dial(int port)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval limit = { .tv_sec = 20 };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

/* Sends raw text and reads until the server closes. */
static const char *say(int port, const char *request)
{
    int fd = dial(port);
    size_t len = 0;
    ssize_t n;

    assert_true(write(fd, request, strlen(request)) > 0);
    while ((n = read(fd, answer + len, sizeof(answer) - len - 1)) > 0) {
        len += (size_t)n;
    }
    answer[len] = '\0';
    (void)close(fd);
    return answer;
}

static const char *get(int port, const char *path)
{
    char request[512];

    (void)snprintf(request, sizeof(request),
                   "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                   path);
    return say(port, request);
}

static void assert_answer(const char *got, const char *status, const char *body)
{
    const char *at = strstr(got, "\r\n\r\n");

    if (strncmp(got + 9, status, 3) != 0) {
        fail_msg("status %s instead of %s", got, status);
    }
    assert_non_null(at);
    assert_string_equal(at + 4, body);
}

static void probes(void **state)
{
    struct server *srv = NULL;
    struct err e;
    int port;

    (void)state;
    metrics_init("test");
    assert_int_equal(server_open(&srv, "127.0.0.1:0", NULL, &e), 0);
    port = server_port(srv);
    assert_answer(get(port, "/livez"), "200",
                  "{\"alive\":true,\"message\":\"Service is alive\"}");
    assert_answer(get(port, "/api/v1/data-sync/live?x=1"), "200",
                  "{\"alive\":true,\"message\":\"Service is alive\"}");
    assert_answer(get(port, "/readyz"), "503",
                  "{\"ready\":false,\"message\":\"Service is not ready\"}");
    server_ready(srv, true);
    assert_answer(get(port, "/api/v1/data-sync/ready"), "200",
                  "{\"ready\":true,\"message\":\"Service is ready\"}");
    assert_non_null(strstr(answer, "Content-Type: application/json\r\n"));
    server_ready(srv, false);
    assert_answer(get(port, "/api/v1/data-sync/ready"), "503",
                  "{\"ready\":false,\"message\":\"Service is not ready\"}");
    (void)get(port, "/metrics");
    assert_non_null(strstr(answer, "cdc_build_info{version="));
    assert_non_null(strstr(answer, "process_open_fds{component=\"test\"} "));
    assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4; "
                                   "charset=utf-8\r\n"));
    assert_answer(get(port, "/"), "404", "{\"error\":\"not found\"}");
    assert_answer(get(port, "/livez/"), "404", "{\"error\":\"not found\"}");
    server_close(srv);
    server_close(NULL);
}

static void methods(void **state)
{
    struct server *srv = NULL;
    struct err e;
    int port;

    (void)state;
    assert_int_equal(server_open(&srv, "127.0.0.1:0", NULL, &e), 0);
    port = server_port(srv);
    assert_answer(say(port, "HEAD /livez HTTP/1.1\r\nHost: x\r\n"
                            "Connection: close\r\n\r\n"),
                  "200", "");
    assert_non_null(strstr(answer, "Content-Length: 43\r\n"));
    /* no "Connection: close": the server closes by itself */
    (void)say(port, "POST /livez HTTP/1.1\r\nHost: x\r\n"
                    "Content-Length: 1000000000\r\n\r\nabc");
    assert_answer(answer, "405", "{\"error\":\"method not allowed\"}");
    assert_non_null(strstr(answer, "Allow: GET, HEAD\r\n"));
    assert_answer(say(port, "DELETE /nothing HTTP/1.1\r\nHost: x\r\n"
                            "Connection: close\r\n\r\n"),
                  "405", "{\"error\":\"method not allowed\"}");
    assert_answer(say(port, "GET /livez HTTP/1.1\r\nHost: x\r\n"
                            "Content-Length: 5\r\n\r\n"),
                  "413", "{\"error\":\"no body is expected\"}");
    assert_answer(say(port, "GET /livez HTTP/1.1\r\nHost: x\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n"),
                  "413", "{\"error\":\"no body is expected\"}");
    (void)say(port, "garbage\r\n\r\n"); /* does not hurt */
    /* two on one connection */
    (void)say(port, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
                    "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                    "\r\n");
    assert_non_null(strstr(strstr(answer, "alive\"}") + 1, "alive\"}"));
    server_close(srv);
}

static void large_heads_are_refused(void **state)
{
    struct server *srv = NULL;
    struct err e;
    struct buf b;

    (void)state;
    assert_int_equal(server_open(&srv, "127.0.0.1:0", NULL, &e), 0);
    buf_init(&b, 1 << 20);
    buf_lit(&b, "GET /livez HTTP/1.1\r\nHost: x\r\nX: ");
    for (unsigned i = 0; i < 100000; i++) {
        buf_char(&b, 'x');
    }
    buf_lit(&b, "\r\nConnection: close\r\n\r\n");
    (void)say(server_port(srv), buf_z(&b));
    assert_null(strstr(answer, "200 OK"));
    assert_answer(get(server_port(srv), "/livez"), "200",
                  "{\"alive\":true,\"message\":\"Service is alive\"}");
    buf_fini(&b);
    server_close(srv);
}

static void own_route(void *arg, struct server_reply *ret_reply)
{
    ret_reply->status = 202;
    ret_reply->content_type = "text/html";
    buf_printf(&ret_reply->body, "<p>%d", *(int *)arg);
}

static void empty_route(void *arg, struct server_reply *ret_reply)
{
    (void)arg;
    (void)ret_reply;
}

static void huge_route(void *arg, struct server_reply *ret_reply)
{
    (void)arg;
    while (buf_ok(&ret_reply->body)) {
        buf_lit(&ret_reply->body, "0123456789012345678901234567890123456789");
    }
}

static void own_routes(void **state)
{
    int number = 7;
    const struct server_route routes[] = {
        { "/", own_route, &number },
        { "/livez", own_route, &number },
        { "/empty", empty_route, NULL },
        { "/huge", huge_route, NULL },
        { NULL, NULL, NULL },
    };
    struct server *srv = NULL;
    struct err e;
    int port;

    (void)state;
    assert_int_equal(server_open(&srv, "127.0.0.1:0", routes, &e), 0);
    port = server_port(srv);
    assert_answer(get(port, "/"), "202", "<p>7");
    assert_non_null(strstr(answer, "Content-Type: text/html\r\n"));
    assert_answer(get(port, "/livez"), "202", "<p>7");
    assert_answer(get(port, "/empty"), "200", "");
    assert_answer(get(port, "/huge"), "500",
                  "{\"error\":\"answer too large\"}");
    server_close(srv);
}

/* Containers may have no IPv6 at all. */
static bool has_ipv6(void)
{
    const struct sockaddr_in6 addr = { .sin6_family = AF_INET6,
                                       .sin6_addr = in6addr_loopback };
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has =
        fd >= 0 && bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return has;
}

static void addresses(void **state)
{
    static const char *const good[] = { ":0", "0.0.0.0:0", "[::]:0",
                                        "localhost:0", "[::1]:0" };
    static const char *const bad[] = {
        "",  "127.0.0.1", "127.0.0.1:", "::1:80",       "127.0.0.1:http",
        ":", "x y:1",     "[::1]",      "127.0.0.1:-1", "203.0.113.1:80",
    };
    struct server *srv = NULL, *other = NULL;
    char taken[64];
    struct err e;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good) - !has_ipv6(); i++) {
        if (server_open(&srv, good[i], NULL, &e) < 0) {
            fail_msg("%s: %s", good[i], e.text);
        }
        assert_true(server_port(srv) > 0);
        if (good[i][0] == ':' || good[i][3] == ']') { /* IPv4, too */
            assert_answer(get(server_port(srv), "/livez"), "200",
                          "{\"alive\":true,\"message\":\"Service is "
                          "alive\"}");
        }
        server_close(srv);
        srv = NULL;
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(server_open(&srv, bad[i], NULL, &e), -1);
        assert_int_equal(e.kind, ERR_CONFIG);
        assert_null(srv);
    }
    assert_int_equal(server_open(&srv, "127.0.0.1:0", NULL, &e), 0);
    (void)snprintf(taken, sizeof(taken), "127.0.0.1:%d", server_port(srv));
    assert_int_equal(server_open(&other, taken, NULL, &e), -1);
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_non_null(strstr(e.text, "in use"));
    assert_non_null(strstr(e.text, taken));
    server_close(srv);
    /* free again at once */
    assert_int_equal(server_open(&srv, taken, NULL, &e), 0);
    server_close(srv);
}

/* Idle connections up to the limit do not outlive it, and closing the server
   does not wait for them. */
static void idle_connections(void **state)
{
    struct server *srv = NULL;
    int fds[80];
    struct err e;

    (void)state;
    assert_int_equal(server_open(&srv, "127.0.0.1:0", NULL, &e), 0);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = dial(server_port(srv));
        (void)!write(fds[i], "GET /", 5);
    }
    /* waits in the backlog until the idle ones are gone */
    assert_answer(get(server_port(srv), "/livez"), "200",
                  "{\"alive\":true,\"message\":\"Service is alive\"}");
    server_close(srv);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        (void)close(fds[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probes),
        cmocka_unit_test(methods),
        cmocka_unit_test(large_heads_are_refused),
        cmocka_unit_test(own_routes),
        cmocka_unit_test(addresses),
        cmocka_unit_test(idle_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

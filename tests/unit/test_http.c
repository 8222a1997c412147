/* links: cdc_http */
/* http.h against a server of our own: what goes out, what counts as an
   answer, deadlines, and a stop while the target hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/http.h"
#include "common/stop.h"

static int port;
static pid_t server_pid;

/* Reads a request: its head, and as much body as Content-Length says. */
static size_t request_read(int fd, char *text, size_t max)
{
    size_t len = 0, want = 0;

    while (want == 0 || len < want) {
        ssize_t n = read(fd, text + len, max - len - 1);
        const char *head, *length;

        if (n <= 0) {
            return 0;
        }
        len += (size_t)n;
        text[len] = '\0';
        head = strstr(text, "\r\n\r\n");
        length = strstr(text, "Content-Length: ");
        if (head) {
            unsigned body = 0;

            if (length) {
                (void)sscanf(length, "Content-Length: %u", &body);
            }
            want = (size_t)(head - text) + 4 + body;
        }
    }
    return len;
}

static void put(int fd, const char *text)
{
    ssize_t n = write(fd, text, strlen(text));

    (void)n;
}

/* Answers by the path; anything else is echoed as the body. */
static void answer(int fd, const char *request, size_t len)
{
    char head[200];

    if (strncmp(request, "HEAD ", 5) == 0) {
        put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n");
    } else if (strstr(request, " /cut ")) {
        put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\nhalf");
        _exit(0);
    } else if (strstr(request, " /cutchunk ")) {
        put(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                "4\r\nhalf\r\n");
        _exit(0);
    } else if (strstr(request, " /garbage ")) {
        put(fd, "SSH-2.0-OpenSSH_9.2\r\n");
        _exit(0);
    } else if (strstr(request, "/hang ")) {
        (void)pause();
    } else if (strstr(request, " /slow ")) {
        (void)usleep(300000);
        put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow");
    } else if (strstr(request, " /moved ")) {
        put(fd, "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n"
                "\r\n");
    } else if (strstr(request, " /exception ")) {
        put(fd, "HTTP/1.1 103 Early Hints\r\n"
                "X-ClickHouse-Exception-Code: 1\r\n\r\n"
                "HTTP/1.1 500 Error\r\nx-clickhouse-exception-code:  241 \r\n"
                "X-ClickHouse-Summary: {\"written_rows\":\"3\"}\r\n"
                "Content-Length: 8\r\n\r\nCode:241");
    } else if (strstr(request, " /long ")) {
        put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890");
    } else {
        (void)snprintf(head, sizeof(head),
                       "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
        put(fd, head);
        put(fd, request);
    }
}

static void serve(int listener)
{
    static char request[1 << 20];

    (void)signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        size_t len;

        if (fd < 0 || fork() != 0) {
            (void)close(fd);
            continue;
        }
        while ((len = request_read(fd, request, sizeof(request))) > 0) {
            answer(fd, request, len);
        }
        _exit(0);
    }
}

static int begin(void **state)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(addr);
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    if (listener < 0 || bind(listener, (struct sockaddr *)&addr, len) < 0 ||
        listen(listener, 64) < 0 ||
        getsockname(listener, (struct sockaddr *)&addr, &len) < 0) {
        return -1;
    }
    port = ntohs(addr.sin_port);
    server_pid = fork();
    if (server_pid == 0) {
        (void)setpgid(0, 0);
        serve(listener);
    }
    (void)setpgid(server_pid, server_pid);
    (void)close(listener);
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)kill(-server_pid, SIGKILL); /* our own group */
    (void)waitpid(server_pid, NULL, 0);
    return 0;
}

static struct http *open_url(const char *credentials)
{
    static const char *const headers[] = { "X-Own: yes", NULL };
    char url[200];
    struct http_conf conf = { .url = url, .headers = headers };
    struct http *h = NULL;
    struct err e;

    (void)snprintf(url, sizeof(url), "http://%s127.0.0.1:%d/pre/", credentials,
                   port);
    if (!strchr(credentials, '@')) {
        *strrchr(url, '/') = '\0';
        *strrchr(url, '/') = '\0';
    }
    assert_int_equal(http_open(&h, &conf, &e), 0);
    return h;
}

static struct http_request request(const char *method, const char *path)
{
    struct http_request rq = { .method = method, .path = path };

    buf_init(&rq.reply, 1 << 20);
    return rq;
}

static void request_is_plain(void **state)
{
    struct http *h;
    struct http_request rq = request("POST", "/_bulk?x=%20");
    struct err e;
    const char *text;

    (void)state;
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
    (void)setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    h = open_url("me:p%40ss@");
    rq.content_type = "application/x-ndjson";
    rq.body = STR("{}\n");
    assert_int_equal(http_run(h, &rq, 1, &e), 0);
    assert_int_equal(rq.status, 200);
    text = buf_z(&rq.reply);
    assert_memory_equal(text, "POST /pre/_bulk?x=%20 HTTP/1.1\r\n", 32);
    assert_non_null(strstr(text, "\r\n\r\n{}\n"));
    assert_non_null(strstr(text, "\r\nX-Own: yes\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Type: application/x-ndjson\r\n"));
    /* me:p@ss */
    assert_non_null(strstr(text, "\r\nAuthorization: Basic bWU6cEBzcw==\r\n"));
    assert_null(strcasestr(text, "expect"));
    assert_null(strcasestr(text, "accept-encoding"));
    assert_null(strcasestr(http_name(h), "me"));
    buf_fini(&rq.reply);
    http_close(h);
    http_close(NULL);
}

static void methods(void **state)
{
    static const struct {
        const char *method, *body, *want;
    } cases[] = {
        { "GET", NULL, "GET /x HTTP/1.1\r\n" },
        { "DELETE", NULL, "DELETE /x HTTP/1.1\r\n" },
        { "PUT", NULL, "PUT /x HTTP/1.1\r\n" },
        { "POST", NULL, "POST /x HTTP/1.1\r\n" },
        { "GET", "{}", "GET /x HTTP/1.1\r\n" },
        { "PUT", "{}", "PUT /x HTTP/1.1\r\n" },
    };
    struct http *h = open_url("");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_request rq = request(cases[i].method, "/x");
        struct err e;
        const char *text;

        rq.body = str_of(cases[i].body);
        assert_int_equal(http_run(h, &rq, 1, &e), 0);
        text = buf_z(&rq.reply);
        assert_memory_equal(text, cases[i].want, strlen(cases[i].want));
        assert_null(strstr(text, "Content-Type"));
        assert_int_equal(strstr(text, "Content-Length: ") != NULL,
                         cases[i].body || cases[i].method[0] == 'P');
        if (cases[i].body) {
            assert_string_equal(strstr(text, "\r\n\r\n") + 4, cases[i].body);
        }
        buf_fini(&rq.reply);
    }
    http_close(h);
}

static void answers(void **state)
{
    static const struct {
        const char *method, *path;
        int status;
        const char *body, *code, *why;
    } cases[] = {
        { "HEAD", "/", 200, "", "", "" },
        { "GET", "/moved", 302, "", "", "" },
        { "POST", "/exception", 500, "Code:241", "241", "" },
        { "GET", "/cut", 0, "half", "", "73 bytes" },
        { "GET", "/cutchunk", 0, "half", "", "" },
        { "GET", "/garbage", 0, "", "", "" },
        { "GET", "/long", 0, NULL, "", "answer above 10 bytes" },
    };
    struct http *h = open_url("");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_request rq = { .method = cases[i].method,
                                   .path = cases[i].path };
        struct err e = { 0 };
        int rc;

        buf_init(&rq.reply, 10);
        rc = http_run(h, &rq, 1, &e);
        if (rc != (cases[i].status ? 0 : -1) || rq.status != cases[i].status) {
            fail_msg("%s: %d, status %d, %s", cases[i].path, rc, rq.status,
                     rq.why);
        }
        assert_string_equal(rq.exception_code, cases[i].code);
        assert_string_equal(rq.summary,
                            cases[i].code[0] ? "{\"written_rows\":\"3\"}" : "");
        if (cases[i].body) {
            assert_string_equal(buf_z(&rq.reply), cases[i].body);
        }
        if (rc < 0) {
            assert_int_equal(e.kind, ERR_RETRY);
            assert_non_null(strstr(rq.why, cases[i].why));
            assert_non_null(strstr(e.text, rq.why));
            assert_non_null(strstr(e.text, cases[i].path));
        }
        buf_fini(&rq.reply);
    }
    http_close(h);
}

static void runs_side_by_side(void **state)
{
    struct http *h = open_url("");
    int64_t start = clock_ms();
    struct http_request rq[8];
    struct err e = { 0 };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rq); i++) {
        rq[i] = request("GET", i == 3 ? "/cut" : "/slow");
    }
    assert_int_equal(http_run(h, rq, COUNT_OF(rq), &e), -1);
    assert_true(clock_ms() - start < 8 * 300);
    for (unsigned i = 0; i < COUNT_OF(rq); i++) {
        assert_int_equal(rq[i].status, i == 3 ? 0 : 200);
        assert_string_equal(buf_z(&rq[i].reply), i == 3 ? "half" : "slow");
    }
    assert_non_null(strstr(e.text, "/cut"));
    /* the same buffers and handles again */
    assert_int_equal(http_run(h, rq, 2, &e), 0);
    assert_string_equal(buf_z(&rq[0].reply), "slow");
    for (unsigned i = 0; i < COUNT_OF(rq); i++) {
        buf_fini(&rq[i].reply);
    }
    assert_int_equal(http_run(h, NULL, 0, &e), 0);
    http_close(h);
}

static void deadline_ends_a_hang(void **state)
{
    struct http *h = open_url("me:canary@");
    int64_t start = clock_ms();
    struct http_request rq = request("POST", "/hang");
    struct err e;

    (void)state;
    rq.deadline_ms = 300;
    assert_int_equal(http_run(h, &rq, 1, &e), -1);
    assert_in_range(clock_ms() - start, 250, 3000);
    assert_int_equal(rq.status, 0);
    assert_null(strstr(e.text, "canary"));
    buf_fini(&rq.reply);
    http_close(h);
}

static void refused_connection_keeps_secrets(void **state)
{
    struct http_conf conf = { .url = "http://me:canary@127.0.0.1:1",
                              .password = "canary2" };
    struct http *h;
    struct http_request rq = request("GET", "/a?password=canary3");
    struct err e;

    (void)state;
    assert_int_equal(http_open(&h, &conf, &e), 0);
    assert_int_equal(http_run(h, &rq, 1, &e), -1);
    assert_null(strstr(e.text, "canary"));
    assert_null(strstr(rq.why, "canary"));
    assert_memory_equal(e.text, "GET http://127.0.0.1:1/a: ", 26);
    buf_fini(&rq.reply);
    http_close(h);
}

static void refuses_forged_headers(void **state)
{
    static const char *const headers[] = { "Authorization: ApiKey canary\r\nX",
                                           NULL };
    struct http_conf conf = { .url = "http://h", .headers = headers };
    struct http *h = NULL;
    struct err e;

    (void)state;
    assert_int_equal(http_open(&h, &conf, &e), -1);
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_null(strstr(e.text, "canary"));
    assert_null(h);
}

static void escapes(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    http_escape(&b, (struct str){ "aZ09-._~ /?%\xc3\xa9\n\0", 15 });
    assert_string_equal(buf_z(&b), "aZ09-._~%20%2F%3F%25%C3%A9%0A");
    buf_fini(&b);
}

/* In a process of its own, for the flag stays: a request in flight gets the
   grace, what comes behind it nothing more. */
static int stop_body(void)
{
    struct http *h = open_url("");
    struct http_request rq = request("GET", "/hang");
    struct err e;
    int64_t start, took;

    if (stop_init(&e) < 0) {
        return 1;
    }
    if (fork() == 0) {
        (void)usleep(200000);
        (void)kill(getppid(), SIGTERM);
        _exit(0);
    }
    start = clock_ms();
    if (http_run(h, &rq, 1, &e) == 0 || !strstr(e.text, "stopping")) {
        return 2;
    }
    took = clock_ms() - start;
    if (took < HTTP_STOP_GRACE_MS || took > HTTP_STOP_GRACE_MS + 3000) {
        return 3;
    }
    start = clock_ms();
    if (http_run(h, &rq, 1, &e) == 0 || clock_ms() - start > 1000) {
        return 4;
    }
    buf_fini(&rq.reply);
    http_close(h);
    return 0;
}

static void stop_ends_a_hang(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0) {
        _exit(stop_body());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* An answer 200 comes in pieces, any other as it always does; one whose
   reader has had enough, or that is cut, has no status. */
struct taker {
    size_t bytes, max;
};

static bool take(void *arg, const char *p, size_t len)
{
    struct taker *t = arg;

    (void)p;
    t->bytes += len;
    return t->bytes <= t->max;
}

static void pieces(void **state)
{
    static const struct {
        const char *path;
        size_t max;
        int status;
        size_t bytes, reply;
    } cases[] = {
        { "/long", 100, 200, 11, 0 },     { "/long", 5, 0, 11, 0 },
        { "/exception", 100, 500, 0, 8 }, { "/cut", 100, 0, 4, 0 },
        { "/cutchunk", 100, 0, 4, 0 },
    };
    struct http *h = open_url("");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct taker t = { .max = cases[i].max };
        struct http_request rq = { .method = "GET",
                                   .path = cases[i].path,
                                   .piece = take,
                                   .piece_arg = &t };
        int rc;

        buf_init(&rq.reply, 1000);
        rc = http_run(h, &rq, 1, NULL);
        assert_int_equal(rc, cases[i].status ? 0 : -1);
        assert_int_equal(rq.status, cases[i].status);
        assert_int_equal(t.bytes, cases[i].bytes);
        assert_int_equal(rq.reply.len, cases[i].reply);
        buf_fini(&rq.reply);
    }
    http_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_is_plain),
        cmocka_unit_test(methods),
        cmocka_unit_test(answers),
        cmocka_unit_test(runs_side_by_side),
        cmocka_unit_test(deadline_ends_a_hang),
        cmocka_unit_test(refused_connection_keeps_secrets),
        cmocka_unit_test(refuses_forged_headers),
        cmocka_unit_test(pieces),
        cmocka_unit_test(escapes),
        cmocka_unit_test(stop_ends_a_hang),
    };

    return cmocka_run_group_tests(tests, begin, end);
}

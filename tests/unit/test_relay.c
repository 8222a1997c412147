/* links: monitor_core */
/* relay.h against listeners of our own: replicas, one that hangs, one that
   is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/server.h"
#include "monitor/relay.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const struct {
    const char *workers, *want_error; /* NULL: accepted */
    unsigned producers, es, clickhouse;
} places[] = {
    { "", NULL, 0, 0, 0 },
    { "producer=localhost:9851,sink-es=localhost:9852,"
      "sink-clickhouse=localhost:9853",
      NULL, 1, 1, 1 },
    { " sink-es=a:1 , sink-es=b-c.d_e:65535,", NULL, 0, 2, 0 },
    { "producer=[fd00::1]:9850", NULL, 1, 0, 0 },
    { "producer", "not role=host:port", 0, 0, 0 },
    { "producer=localhost", "not role=host:port", 0, 0, 0 },
    { "localhost:9850", "not role=host:port", 0, 0, 0 },
    { "sink=localhost:9850", "the role must be", 0, 0, 0 },
    { "producer=:9850", "no usable", 0, 0, 0 },
    { "producer=a:0", "no usable", 0, 0, 0 },
    { "producer=a:65536", "no usable", 0, 0, 0 },
    { "producer=a:", "no usable", 0, 0, 0 },
    { "producer=a:1x", "no usable", 0, 0, 0 },
    { "producer=a/b:1", "no usable", 0, 0, 0 },
};

static void test_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct relay r;
        struct err e = { 0 };
        int rc = relay_open(&r, places[i].workers, &lock, &e);

        if (places[i].want_error) {
            assert_int_equal(rc, -1);
            assert_int_equal(e.kind, ERR_CONFIG);
            assert_non_null(strstr(e.text, places[i].want_error));
            continue;
        }
        assert_int_equal(rc, 0);
        assert_int_equal(r.roles[ROLE_PRODUCER].place_count,
                         places[i].producers);
        assert_int_equal(r.roles[ROLE_SINK_ES].place_count, places[i].es);
        assert_int_equal(r.roles[ROLE_SINK_CLICKHOUSE].place_count,
                         places[i].clickhouse);
        relay_close(&r);
    }
}

static void test_reading(void **state)
{
    struct rates_reading got = relay_reading(
        STR("# TYPE cdc_sync_events_total counter\n"
            "cdc_sync_events_total{table=\"a\",status=\"success\"} 10\n"
            "cdc_sync_events_total{table=\"a\",status=\"error\"} 2\n"
            "cdc_sync_events_total_created 99\n"
            "cdc_sync_errors_total{table=\"a\",error_type=\"x\"} 2\n"
            "cdc_sync_errors_total broken\n"
            "cdc_heartbeat_last_received_timestamp_seconds 1.8e9\n"
            "process_start_time_seconds 1.7e9\n"));

    (void)state;
    assert_true(got.finished == 12);
    assert_true(got.rejected == 2);
    assert_true(got.start_s == 1.7e9);
    assert_true(got.heartbeat_s == 1.8e9);
}

/* A worker: its metrics are `arg`. */
static void on_metrics(void *arg, struct server_reply *ret_reply)
{
    buf_str_add(&ret_reply->body, str_of(arg));
}

static struct server *worker_start(struct server_route routes[2],
                                   const char *metrics)
{
    struct server *srv;
    struct err e;

    routes[0] = (struct server_route){ "/metrics", on_metrics,
                                       (void *)(uintptr_t)metrics };
    routes[1] = (struct server_route){ 0 };
    assert_int_equal(server_open(&srv, "127.0.0.1:0", routes, &e), 0);
    return srv;
}

/* A socket that accepts connections by the kernel alone. */
static int deaf_socket(int *ret_port)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static void check_workers(const struct relay *r, unsigned want_up,
                          unsigned want_down)
{
    struct fact_worker workers[16];
    unsigned count = relay_workers(r, workers, 16), up = 0;

    for (unsigned i = 0; i < count; i++) {
        up += workers[i].up;
    }
    assert_int_equal(up, want_up);
    assert_int_equal(count - up, want_down);
}

static void test_replicas(void **state)
{
    struct server_route routes[2][2];
    struct server *a, *b;
    struct relay r;
    struct expo x = { 0 };
    struct buf text, out;
    struct err e;

    (void)state;
    a = worker_start(routes[0], "# TYPE n counter\nn 1\n");
    b = worker_start(routes[1], "# TYPE n counter\nn 2\n");
    buf_init(&text, 4096);
    buf_init(&out, 4096);
    /* one of them twice, and a place where nothing listens */
    buf_printf(&text,
               "sink-es=127.0.0.1:%d,sink-es=127.0.0.1:%d,"
               "sink-es=localhost:%d,sink-es=127.0.0.1:1,producer=127.0.0.1:1",
               server_port(a), server_port(b), server_port(a));
    assert_int_equal(relay_open(&r, buf_z(&text), &lock, &e), 0);
    check_workers(&r, 0, 0); /* not looked for yet */
    relay_round(&r, ROLE_SINK_ES);
    relay_round(&r, ROLE_PRODUCER);
    check_workers(&r, 2, 1);
    relay_merge(&r, &x, clock_ms());
    expo_write(&out, &x);
    buf_reset(&text);
    buf_printf(&text,
               "# TYPE n counter\n"
               "n{component=\"sink-es\",instance=\"127.0.0.1:%d\"} 1\n"
               "n{component=\"sink-es\",instance=\"127.0.0.1:%d\"} 2\n",
               server_port(a), server_port(b));
    assert_string_equal(buf_z(&out), buf_z(&text));
    /* ready follows /readyz */
    assert_false(r.roles[ROLE_SINK_ES].workers[0].ready);
    server_ready(a, true);
    relay_round(&r, ROLE_SINK_ES);
    assert_true(r.roles[ROLE_SINK_ES].workers[0].ready);
    /* one ends; what it said stays for some seconds, then goes */
    server_close(a);
    relay_round(&r, ROLE_SINK_ES);
    check_workers(&r, 1, 1);
    expo_fini(&x);
    relay_merge(&r, &x, clock_ms());
    assert_int_equal(x.count, 1);
    expo_fini(&x);
    relay_merge(&r, &x, clock_ms() + RELAY_FRESH_MS + 1000);
    assert_int_equal(x.count, 0);
    expo_fini(&x);
    server_close(b);
    relay_close(&r);
    buf_fini(&text);
    buf_fini(&out);
}

static void test_hanging_worker(void **state)
{
    struct server_route routes[2];
    struct server *good = worker_start(routes, "n 1\n");
    struct relay r;
    struct buf text;
    struct err e;
    int64_t begin_ms;
    int port, fd = deaf_socket(&port);

    (void)state;
    buf_init(&text, 4096);
    buf_printf(&text, "sink-es=127.0.0.1:%d,sink-es=127.0.0.1:%d", port,
               server_port(good));
    assert_int_equal(relay_open(&r, buf_z(&text), &lock, &e), 0);
    begin_ms = clock_ms();
    relay_round(&r, ROLE_SINK_ES);
    assert_in_range(clock_ms() - begin_ms, RELAY_MS - 100, RELAY_MS + 1500);
    check_workers(&r, 1, 0);
    /* it is left alone for a while */
    begin_ms = clock_ms();
    relay_round(&r, ROLE_SINK_ES);
    assert_true(clock_ms() - begin_ms < RELAY_MS / 2);
    relay_close(&r);
    server_close(good);
    (void)close(fd);
    buf_fini(&text);
}

/* ---- the registry ------------------------------------------------------- */

enum { ENTRIES_MAX = 4 };

/* A view of entries that live for `ttl_ms` more. */
static void tell(struct relay *r, bool up, int ttl_ms, unsigned count,
                 const struct server *const *servers)
{
    char texts[ENTRIES_MAX][256];
    struct registry_entry entries[ENTRIES_MAX];

    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(
            texts[i], sizeof(texts[i]),
            "{\"role\":\"sink-es\",\"url\":\"http://127.0.0.%d:%d\"}",
            i == 3 ? 2 : 1, servers[i] ? server_port(servers[i]) : 1);
        entries[i] = (struct registry_entry){ texts[i], clock_ms() + ttl_ms };
    }
    relay_registry(r, &(struct registry_view){
                          .up = up, .entries = entries, .count = count });
}

static void rounds(struct relay *r, unsigned want_up, unsigned want_down)
{
    relay_round(r, ROLE_SINK_ES);
    check_workers(r, want_up, want_down);
}

static void test_registry(void **state)
{
    struct server_route routes[2][2];
    struct server *a = worker_start(routes[0], "n 1\n");
    struct server *b = worker_start(routes[1], "n 2\n");
    const struct server *all[] = { a, b, NULL };
    struct relay r;
    struct buf text;
    struct err e;

    (void)state;
    buf_init(&text, 256);
    buf_printf(&text, "sink-es=localhost:%d", server_port(a));
    assert_int_equal(relay_open(&r, buf_z(&text), &lock, &e), 0);
    tell(&r, true, 60000, 2, all);
    rounds(&r, 2, 0); /* the configured one is one of them */
    tell(&r, true, 60000, 3, all);
    rounds(&r, 2, 1); /* an entry that does not answer is shown */
    tell(&r, true, 0, 3, all);
    rounds(&r, 2, 0); /* until it is over; who answers stays for a while */
    tell(&r, true, 60000, 0, NULL);
    rounds(&r, 2, 0); /* a registry that was just restarted */
    r.roles[ROLE_SINK_ES].workers[1].listed_ms -= RELAY_KEEP_MS;
    rounds(&r, 1, 0);
    tell(&r, true, 60000, 2, all);
    rounds(&r, 2, 0);
    tell(&r, false, 0, 0, NULL); /* away: those known are asked on */
    rounds(&r, 2, 0);
    server_close(b);
    tell(&r, true, 60000, 1, all);
    rounds(&r, 1, 0); /* ended in order */
    server_close(a);
    rounds(&r, 0, 1);
    relay_close(&r);
    buf_fini(&text);
}

/* One process under two addresses counts once, and goes on counting when one
   of them fails. */
static void test_twin(void **state)
{
    static char metrics[2][128];
    struct server_route routes[2][2];
    struct server *a, *b = NULL;
    struct relay r;
    struct expo x = { 0 };
    struct buf text;
    struct err e;

    (void)state;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(metrics[i], sizeof(metrics[i]),
                       "cdc_sync_events_total 100\n"
                       "process_start_time_seconds %.6f\n",
                       (double)clock_wall_us() / 1e6 + 100);
        memcpy(metrics[i], metrics[0], sizeof(metrics[i]));
    }
    a = worker_start(routes[0], metrics[0]);
    routes[1][0] = (struct server_route){ "/metrics", on_metrics, metrics[1] };
    routes[1][1] = (struct server_route){ 0 };
    assert_int_equal(server_open(&b, "127.0.0.2:0", routes[1], &e), 0);
    buf_init(&text, 256);
    buf_printf(&text, "sink-es=127.0.0.1:%d,sink-es=127.0.0.2:%d",
               server_port(a), server_port(b));
    assert_int_equal(relay_open(&r, buf_z(&text), &lock, &e), 0);
    rounds(&r, 1, 0);
    assert_true(r.roles[ROLE_SINK_ES].rates.finished == 100);
    relay_merge(&r, &x, clock_ms());
    assert_int_equal(x.count, 2); /* families, of one instance */
    expo_fini(&x);
    server_close(a);
    rounds(&r, 1, 0); /* a is found dead first, then b is no twin */
    assert_true(r.roles[ROLE_SINK_ES].rates.finished == 100);
    server_close(b);
    relay_close(&r);
    buf_fini(&text);
}

/* An entry that cannot be reached, of a process that answers under another
   address (NAT), is no dead replica. */
static void test_behind_nat(void **state)
{
    static const int64_t started_us[] = { 1767323045678901, 1767323099000000 };
    struct server_route routes[2];
    struct server *a =
        worker_start(routes, "process_start_time_seconds 1767323045.678901\n");
    struct relay r;
    struct buf text;
    struct err e;

    (void)state;
    buf_init(&text, 1024);
    buf_printf(&text, "sink-es=127.0.0.1:%d", server_port(a));
    assert_int_equal(relay_open(&r, buf_z(&text), &lock, &e), 0);
    for (int i = 0; i < 2; i++) {
        struct registry_entry entry = { NULL, clock_ms() + 60000 };

        buf_reset(&text);
        buf_printf(&text,
                   "{\"role\":\"sink-es\",\"startedUs\":%lld,"
                   "\"url\":\"http://127.0.0.3:1\"}",
                   (long long)started_us[i]);
        entry.text = buf_z(&text);
        relay_registry(&r, &(struct registry_view){
                               .up = true, .entries = &entry, .count = 1 });
        rounds(&r, 1, i == 0 ? 0 : 1);
    }
    relay_close(&r);
    server_close(a);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_replicas),
        cmocka_unit_test(test_hanging_worker),
        cmocka_unit_test(test_registry),
        cmocka_unit_test(test_twin),
        cmocka_unit_test(test_behind_nat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

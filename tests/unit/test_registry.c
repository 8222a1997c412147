/* links: cdc_base */
/* registry.h: the entry, the others', outages of every kind, against a Redis
   of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "common/log.h"
#include "common/metrics.h"
#include "common/registry.h"
#include "redisstub.h"

enum { SOON_MS = 10 * 1000, BRIEF_MS = 50 };

/* ---- a process ---------------------------------------------------------- */

static struct redisstub redis;
static struct server *server;
static char redis_url[128], own_key[512], log_text[65536];
static int log_file, saved_stderr;

static const char *logged(void)
{
    ssize_t n = pread(log_file, log_text, sizeof(log_text) - 1, 0);

    log_text[n > 0 ? n : 0] = '\0';
    return log_text;
}

static unsigned logged_times(const char *part)
{
    unsigned count = 0;

    for (const char *p = logged(); (p = strstr(p, part)); p++) {
        count++;
    }
    return count;
}

static int setup(void **state)
{
    char path[] = "/tmp/test_registry.XXXXXX", host[256] = "";
    struct err e;

    (void)state;
    memset(&redis, 0, sizeof(redis));
    redisstub_start(&redis, 0);
    assert_int_equal(server_open(&server, "127.0.0.1:0", NULL, &e), 0);
    (void)snprintf(redis_url, sizeof(redis_url), "redis://127.0.0.1:%d",
                   redis.port);
    assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
    (void)snprintf(own_key, sizeof(own_key), "cdc:shop:proc:sink-es:%s:%d",
                   host, server_port(server));
    log_file = mkstemp(path);
    saved_stderr = dup(STDERR_FILENO);
    return log_file < 0 || unlink(path) < 0 ||
           dup2(log_file, STDERR_FILENO) < 0;
}

static int teardown(void **state)
{
    (void)state;
    server_close(server);
    redisstub_stop(&redis);
    (void)dup2(saved_stderr, STDERR_FILENO);
    (void)close(saved_stderr);
    (void)close(log_file);
    return 0;
}

static struct registry_conf a_conf(void)
{
    return (struct registry_conf){
        .url = redis_url,
        .name = "shop",
        .role = "sink-es",
        .listen = "0.0.0.0:9850",
        .server = server,
        .events = "test_events_total",
        .write_ms = BRIEF_MS,
        .look_ms = BRIEF_MS,
    };
}

static struct registry *opened(const struct registry_conf *conf)
{
    struct registry *r = NULL;
    struct err e = { 0 };

    if (registry_open(&r, conf, &e) < 0) {
        fail_msg("%s", e.text);
    }
    return r;
}

/* Waits for `part` in the own entry. */
static void wait_entry(const char *part)
{
    int64_t until_ms = clock_ms() + SOON_MS;
    static char text[4096];

    while (!redisstub_get(&redis, own_key, text) || !strstr(text, part)) {
        if (clock_ms() > until_ms) {
            fail_msg("%s has no %s but: %s", own_key, part, text);
        }
        (void)usleep(5000);
    }
}

static void wait_logged(const char *part)
{
    int64_t until_ms = clock_ms() + SOON_MS;

    while (!strstr(logged(), part)) {
        if (clock_ms() > until_ms) {
            fail_msg("no %s in the log: %s", part, log_text);
        }
        (void)usleep(5000);
    }
}

static void entry_comes_and_goes(void **state)
{
    struct metric_family *events =
        metric_family(METRIC_COUNTER, "test_events_total", "table", "-");
    struct registry_conf conf = a_conf();
    struct registry *r = opened(&conf);
    char want[128], text[4096];

    (void)state;
    (void)snprintf(want, sizeof(want), "\"url\":\"http://127.0.0.1:%d\"",
                   server_port(server));
    wait_entry(want);
    wait_entry("{\"role\":\"sink-es\",\"instance\":\"");
    wait_entry("\"version\":\"" CDC_VERSION "\",\"pid\":");
    wait_entry("\"started\":\"2");
    wait_entry("\"progress\":{\"events\":0,\"lastEventTime\":null},"
               "\"errors\":0,\"ready\":false}");
    metric_add(metric_get(events, (const char *const[]){ "a" }), 3);
    metric_add(metric_get(events, (const char *const[]){ "b" }), 4);
    server_ready(server, true);
    wait_entry("\"progress\":{\"events\":7,");
    wait_entry("\"ready\":true}");
    (void)pthread_mutex_lock(&redis.lock);
    assert_in_range(redisstub_find(&redis, own_key)->expires_ms - clock_ms(),
                    REGISTRY_TTL_MS - 2000, REGISTRY_TTL_MS);
    (void)pthread_mutex_unlock(&redis.lock);
    registry_close(r);
    assert_false(redisstub_get(&redis, own_key, text));
    assert_string_equal(logged(), ""); /* nothing to say */
}

/* What is kept comes, changes, and comes back after Redis lost it. */
static void wait_kept(const char *want)
{
    int64_t until_ms = clock_ms() + SOON_MS;
    static char text[4096];

    while (!redisstub_get(&redis, "cdc:shop:consistency", text) ||
           strcmp(text, want) != 0) {
        if (clock_ms() > until_ms) {
            fail_msg("kept is not %s but: %s", want, text);
        }
        (void)usleep(5000);
    }
}

static void keeps(void **state)
{
    struct registry_conf conf = a_conf();
    struct registry *r;
    struct buf large;

    (void)state;
    conf.kept = "consistency";
    r = opened(&conf);
    registry_keep(r, STR("{\"consistent\":true}"));
    wait_kept("{\"consistent\":true}");
    registry_keep(r, STR("{\"consistent\":false}"));
    wait_kept("{\"consistent\":false}");
    redisstub_stop(&redis);
    memset(redis.keys, 0, sizeof(redis.keys));
    wait_logged("the registry is away");
    redisstub_start(&redis, redis.port);
    wait_kept("{\"consistent\":false}");
    buf_init(&large, REGISTRY_KEPT_BYTES_MAX + 1);
    (void)buf_reserve(&large, REGISTRY_KEPT_BYTES_MAX + 1);
    memset(large.p, 'x', REGISTRY_KEPT_BYTES_MAX + 1);
    large.len = REGISTRY_KEPT_BYTES_MAX + 1;
    registry_keep(r, buf_str(&large)); /* is left out, and harms nothing */
    registry_keep(r, STR("{}"));
    wait_kept("{}");
    buf_fini(&large);
    registry_close(r);
    registry_keep(NULL, STR("{}"));
}

static void switched_off(void **state)
{
    struct registry_conf conf = a_conf();

    (void)state;
    conf.url = "";
    assert_null(opened(&conf));
    conf.url = NULL;
    assert_null(opened(&conf));
    registry_close(NULL);
}

static void tls_is_refused(void **state)
{
    struct registry_conf conf = a_conf();
    struct registry *r;
    struct err e = { 0 };

    (void)state;
    conf.url = "rediss://localhost";
    assert_int_equal(registry_open(&r, &conf, &e), -1);
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_non_null(strstr(e.text, "TLS"));
}

/* ---- outages ------------------------------------------------------------ */

/* Whatever is wrong: one line at its beginning, one at its end, however many
   attempts lie between. */
static void check_outage(const char *why)
{
    wait_logged("level=WARN");
    (void)usleep(REGISTRY_RETRY_MIN_MS * 4 * 1000);
    assert_int_equal(logged_times("level=WARN"), 1);
    assert_int_equal(logged_times("the registry is away"), 1);
    assert_non_null(strstr(logged(), why));
    assert_int_equal(logged_times("is back"), 0);
    assert_true(metrics_sum("cdc_registry_connected") == 0);
}

static void check_back(void)
{
    wait_entry("\"role\"");
    wait_logged("the registry is back");
    assert_int_equal(logged_times("level="), 2);
    assert_true(metrics_sum("cdc_registry_connected") == 1);
}

static void nobody_listens(void **state)
{
    struct registry_conf conf = a_conf();
    struct registry *r;

    (void)state;
    redisstub_stop(&redis);
    r = opened(&conf);
    check_outage("Connection refused");
    redisstub_start(&redis, redis.port);
    check_back();
    registry_close(r);
}

static void restarted(void **state)
{
    struct registry_conf conf = a_conf();
    struct registry *r = opened(&conf);

    (void)state;
    wait_entry("\"role\"");
    redisstub_stop(&redis);
    memset(redis.keys, 0, sizeof(redis.keys));
    check_outage("error=");
    redisstub_start(&redis, redis.port);
    check_back();
    registry_close(r);
}

static void answers_errors(void **state)
{
    struct registry_conf conf = a_conf();
    struct registry *r;

    (void)state;
    atomic_store(&redis.mode, REDISSTUB_ERROR);
    r = opened(&conf);
    check_outage("LOADING");
    atomic_store(&redis.mode, REDISSTUB_OK);
    check_back();
    registry_close(r);
}

static void wrong_password(void **state)
{
    struct registry_conf conf = a_conf();
    char url[128];
    struct registry *r;

    (void)state;
    redis.password = "right";
    (void)snprintf(url, sizeof(url), "redis://cdc:s3cret@127.0.0.1:%d",
                   redis.port);
    conf.url = url;
    r = opened(&conf);
    check_outage("Redis refuses the password of REDIS_URL (WRONGPASS)");
    (void)pthread_mutex_lock(&redis.lock);
    redis.password = "s3cret";
    (void)pthread_mutex_unlock(&redis.lock);
    check_back();
    registry_close(r);
    assert_null(strstr(logged(), "s3cret"));
}

/* What `check` asks. */
static void ping(void **state)
{
    char url[128];
    struct err e = { 0 };

    (void)state;
    assert_int_equal(registry_ping(redis_url, &e), 0);
    (void)pthread_mutex_lock(&redis.lock);
    redis.password = "right";
    (void)pthread_mutex_unlock(&redis.lock);
    assert_int_equal(registry_ping(redis_url, &e), -1);
    assert_non_null(strstr(e.text, "NOAUTH"));
    (void)snprintf(url, sizeof(url), "redis://:wrong@127.0.0.1:%d", redis.port);
    assert_int_equal(registry_ping(url, &e), -1);
    assert_int_equal(e.kind, ERR_PERMISSION);
    assert_null(strstr(e.text, "wrong"));
    (void)snprintf(url, sizeof(url), "redis://:right@127.0.0.1:%d/2",
                   redis.port);
    assert_int_equal(registry_ping(url, &e), 0);
}

static void no_password(void **state)
{
    struct registry_conf conf = a_conf();
    struct registry *r;

    (void)state;
    redis.password = "right";
    r = opened(&conf);
    check_outage("NOAUTH");
    registry_close(r);
}

/* A Redis that is stopped (SIGSTOP) takes connections and commands and
   answers nothing: nobody but the registry's thread may notice. */
static void stopped_redis_slows_nothing(void **state)
{
    struct registry_conf conf = a_conf();
    struct metric *m = metric_get(
        metric_family(METRIC_COUNTER, "test_work_total", "", "-"), NULL);
    struct registry *r;
    struct buf text;
    int64_t begin_ms = clock_ms(), longest_ms = 0;

    (void)state;
    atomic_store(&redis.mode, REDISSTUB_SILENT);
    r = opened(&conf);
    assert_true(clock_ms() - begin_ms < 200); /* opening does not wait */
    buf_init(&text, 1 << 20);
    while (!strstr(logged(), "level=WARN") ||
           clock_ms() - begin_ms < 3 * 1000) {
        int64_t at_ms = clock_ms();

        /* what a main loop and a listener do meanwhile */
        metric_add(m, 1);
        server_ready(server, true);
        buf_reset(&text);
        metrics_write(&text, NULL);
        longest_ms =
            clock_ms() - at_ms > longest_ms ? clock_ms() - at_ms : longest_ms;
        assert_true(clock_ms() - begin_ms < SOON_MS);
        (void)usleep(1000);
    }
    assert_true(longest_ms < 500);
    assert_true(atomic_load(&redis.commands) > 0);
    check_outage("no answer within");
    /* closing does not wait for it, either */
    begin_ms = clock_ms();
    registry_close(r);
    assert_true(clock_ms() - begin_ms < REGISTRY_CLOSE_MS + 1000);
    buf_fini(&text);
}

static void stops_and_goes_on(void **state)
{
    struct registry_conf conf = a_conf();
    struct registry *r = opened(&conf);

    (void)state;
    wait_entry("\"role\"");
    atomic_store(&redis.mode, REDISSTUB_SILENT);
    check_outage("no answer within");
    atomic_store(&redis.mode, REDISSTUB_OK);
    check_back();
    registry_close(r);
}

/* ---- the others --------------------------------------------------------- */

struct seen {
    pthread_mutex_t lock;
    bool up;
    unsigned count, looks;
    char texts[8][1024];
    int64_t expires_ms[8];
};

static void on_seen(void *arg, const struct registry_view *view)
{
    struct seen *seen = arg;

    (void)pthread_mutex_lock(&seen->lock);
    seen->up = view->up;
    seen->count = view->count;
    seen->looks++;
    for (unsigned i = 0; i < view->count && i < 8; i++) {
        (void)snprintf(seen->texts[i], sizeof(seen->texts[i]), "%s",
                       view->entries[i].text);
        seen->expires_ms[i] = view->entries[i].expires_ms;
    }
    (void)pthread_mutex_unlock(&seen->lock);
}

static void wait_seen(struct seen *seen, unsigned count, bool up)
{
    int64_t until_ms = clock_ms() + SOON_MS;
    bool good = false;

    while (!good) {
        (void)pthread_mutex_lock(&seen->lock);
        good = seen->looks > 0 && seen->count == count && seen->up == up;
        (void)pthread_mutex_unlock(&seen->lock);
        if (clock_ms() > until_ms) {
            fail_msg("%u entries seen, not %u", seen->count, count);
        }
        (void)usleep(2000);
    }
}

static void others(void **state)
{
    struct seen seen = { .lock = PTHREAD_MUTEX_INITIALIZER };
    struct registry_conf conf = a_conf(), other = a_conf();
    struct server *second;
    struct registry *r, *o;
    struct err e;

    (void)state;
    conf.seen = on_seen;
    conf.arg = &seen;
    assert_int_equal(server_open(&second, "127.0.0.1:0", NULL, &e), 0);
    other.server = second;
    other.role = "sink-clickhouse";
    redisstub_put(&redis, "cdc:shopping:proc:sink-es:x:1", "another's", 60000);
    redisstub_put(&redis, "unrelated", "another's", 60000);
    r = opened(&conf);
    wait_seen(&seen, 1, true);
    assert_non_null(strstr(seen.texts[0], "\"role\":\"sink-es\""));
    o = opened(&other);
    wait_seen(&seen, 2, true);
    registry_close(o); /* in order: gone at once */
    wait_seen(&seen, 1, true);
    /* one that was killed goes when its time is over, a stranger's key
       without time is shown as long as it is there */
    (void)pthread_mutex_lock(&redis.lock);
    redisstub_put(&redis, "cdc:shop:proc:sink-es:dead:1", "{}", 300);
    (void)pthread_mutex_unlock(&redis.lock);
    wait_seen(&seen, 2, true);
    (void)pthread_mutex_lock(&seen.lock);
    assert_true(seen.expires_ms[1] - clock_ms() <= 300);
    (void)pthread_mutex_unlock(&seen.lock);
    wait_seen(&seen, 1, true);
    atomic_store(&redis.mode, REDISSTUB_ERROR);
    wait_seen(&seen, 0, false);
    atomic_store(&redis.mode, REDISSTUB_OK);
    wait_seen(&seen, 1, true);
    registry_close(r);
    server_close(second);
}

int main(void)
{
#define PROCESS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        PROCESS_TEST(entry_comes_and_goes),
        PROCESS_TEST(keeps),
        PROCESS_TEST(switched_off),
        PROCESS_TEST(tls_is_refused),
        PROCESS_TEST(nobody_listens),
        PROCESS_TEST(restarted),
        PROCESS_TEST(answers_errors),
        PROCESS_TEST(wrong_password),
        PROCESS_TEST(no_password),
        PROCESS_TEST(ping),
        PROCESS_TEST(stopped_redis_slows_nothing),
        PROCESS_TEST(stops_and_goes_on),
        PROCESS_TEST(others),
    };

    signal(SIGPIPE, SIG_IGN);
    metrics_init("sink-es");
    log_init("sink-es", LOG_INFO, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

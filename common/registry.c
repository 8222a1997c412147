#include "common/registry.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/registryredis.h"
#include "common/version.h"

enum { KEY_BYTES_MAX = 512, HOST_BYTES = 256 };

/* A process that was seen. */
struct known {
    char *key;
    char *text; /* "" = it is gone */
    int64_t expires_ms;
};

struct registry {
    struct registry_conf conf;
    struct registryurl url;
    char instance[HOST_BYTES + 8];
    char key[KEY_BYTES_MAX], pattern[KEY_BYTES_MAX];

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool closing;    /* under the mutex, as the next two */
    struct buf kept; /* what registry_keep was given */
    bool keep;       /* it is to be written */

    /* the thread's own */
    struct registryredis *redis; /* NULL: not connected */
    struct backoff retry;
    int64_t write_ms, look_ms; /* when the next one is due */
    bool said;                 /* an outage is announced */
    int64_t away_ms;           /* since */
    char cursor[24];           /* of the scan that goes on next time */
    struct known *known;
    unsigned known_count;
    struct metric *connected;
};

/* --- Our entry ----------------------------------------------------------- */

/* What reaches the registry reaches its readers: the address that Redis sees
   us at. The host's name when that is of no use to an IPv4 listener. */
static void own_address(const struct registry *r, char *ret, size_t size)
{
    bool v4_only = strncmp(r->conf.listen, "0.0.0.0:", 8) == 0;

    if (!registryredis_address(r->redis, v4_only, ret, size)) {
        (void)snprintf(ret, size, "%.*s", (int)strcspn(r->instance, ":"),
                       r->instance);
    }
}

/* "2026-01-02T03:04:05.678Z", or null for 0. */
static void member_time(struct buf *b, const char *name, double seconds)
{
    json_member(b, str_of(name));
    if (seconds <= 0) {
        buf_lit(b, "null");
        return;
    }
    buf_char(b, '"');
    clock_rfc3339(b, (int64_t)(seconds * 1e6));
    buf_char(b, '"');
}

static void entry_write(const struct registry *r, struct buf *b)
{
    const struct registry_conf *conf = &r->conf;
    char address[HOST_BYTES];
    struct buf url;

    own_address(r, address, sizeof(address));
    buf_init(&url, HOST_BYTES * 2);
    registryurl_advertise(&url, conf->advertise, conf->listen, address,
                          server_port(conf->server));
    buf_char(b, '{');
    json_member_string(b, "role", str_of(conf->role));
    json_member_string(b, "instance", str_of(r->instance));
    json_member_string(b, "url", buf_str(&url));
    json_member_string(b, "version", str_of(version_text));
    json_member_i64(b, "pid", getpid());
    member_time(b, "started", metrics_max("process_start_time_seconds"));
    json_member_i64(
        b, "startedUs",
        (int64_t)(metrics_max("process_start_time_seconds") * 1e6 + 0.5));
    json_member(b, STR("progress"));
    buf_char(b, '{');
    json_member_u64(b, "events",
                    conf->events ? (uint64_t)metrics_sum(conf->events) : 0);
    member_time(b, "lastEventTime",
                metrics_max("cdc_source_last_commit_timestamp_seconds"));
    buf_char(b, '}');
    json_member_u64(b, "errors",
                    (uint64_t)metrics_sum("cdc_sync_errors_total"));
    json_member_bool(b, "ready", server_is_ready(conf->server));
    buf_char(b, '}');
    buf_fini(&url);
}

/* Nothing of the configuration is looked at once the registry is closed: its
   owner may be gone. */
static int write_entry(struct registry *r, struct err *e)
{
    struct buf text;
    bool closing;
    int rc = 0;

    buf_init(&text, REGISTRY_ENTRY_BYTES_MAX);
    (void)pthread_mutex_lock(&r->mutex);
    closing = r->closing;
    if (!closing) {
        entry_write(r, &text);
    }
    (void)pthread_mutex_unlock(&r->mutex);
    if (!closing) {
        rc = registryredis_set(r->redis, r->key, buf_z(&text), REGISTRY_TTL_MS,
                               e);
    }
    buf_fini(&text);
    return rc;
}

/* --- What is kept -------------------------------------------------------- */

static int write_kept(struct registry *r, struct err *e)
{
    char key[KEY_BYTES_MAX], *text = NULL;
    int rc;

    (void)pthread_mutex_lock(&r->mutex);
    if (r->keep && !r->closing && r->kept.len > 0) {
        text = xstrndup(r->kept.p, r->kept.len);
        (void)snprintf(key, sizeof(key), "cdc:%s:%s", r->conf.name,
                       r->conf.kept);
    }
    r->keep = false;
    (void)pthread_mutex_unlock(&r->mutex);
    if (!text) {
        return 0;
    }
    rc = registryredis_set(r->redis, key, text, REGISTRY_KEPT_MS, e);
    xfree(text);
    return rc;
}

/* Redis may have lost it, or never had it. */
static void keep_again(struct registry *r)
{
    (void)pthread_mutex_lock(&r->mutex);
    r->keep = true;
    (void)pthread_mutex_unlock(&r->mutex);
}

void registry_keep(struct registry *r, struct str text)
{
    if (!r) {
        return;
    }
    (void)pthread_mutex_lock(&r->mutex);
    buf_reset(&r->kept);
    buf_str_add(&r->kept, text);
    r->keep = buf_ok(&r->kept);
    (void)pthread_mutex_unlock(&r->mutex);
}

/* --- The others' entries ------------------------------------------------- */

static void known_add(void *arg, const char *key)
{
    struct registry *r = arg;

    for (unsigned i = 0; i < r->known_count; i++) {
        if (strcmp(r->known[i].key, key) == 0) {
            return;
        }
    }
    if (r->known_count < REGISTRY_ENTRIES_MAX) {
        r->known[r->known_count++] =
            (struct known){ .key = xstrdup(key), .text = xstrdup("") };
    }
}

/* A scan of a large database goes on where the last look left it. */
static int scan(struct registry *r, struct err *e)
{
    for (unsigned i = 0; i < REGISTRY_SCAN_STEPS; i++) {
        if (registryredis_scan(r->redis, r->cursor, r->pattern, known_add, r,
                               e) < 0) {
            return -1;
        }
        if (strcmp(r->cursor, "0") == 0) {
            return 0;
        }
    }
    return 0;
}

static int read_known(struct registry *r, struct err *e)
{
    for (unsigned i = 0; i < r->known_count; i++) {
        registryredis_ask(r->redis, r->known[i].key, REGISTRY_ENTRY_BYTES_MAX);
    }
    for (unsigned i = 0; i < r->known_count; i++) {
        struct known *k = &r->known[i];
        char *text;
        int64_t left_ms;

        if (registryredis_answer(r->redis, &text, &left_ms, e) < 0) {
            return -1;
        }
        xfree(k->text);
        k->text = text;
        if (left_ms < 0 || left_ms > REGISTRY_TTL_MS) {
            left_ms = REGISTRY_TTL_MS; /* none of ours, but it is there now */
        }
        k->expires_ms = clock_ms() + left_ms;
    }
    return 0;
}

static void known_free(struct known *k)
{
    xfree(k->key);
    xfree(k->text);
}

static void forget_gone(struct registry *r)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < r->known_count; i++) {
        if (r->known[i].text[0] == '\0') {
            known_free(&r->known[i]);
        } else {
            r->known[kept++] = r->known[i];
        }
    }
    r->known_count = kept;
}

static void show(struct registry *r, const struct registry_view *view)
{
    (void)pthread_mutex_lock(&r->mutex);
    if (!r->closing) {
        r->conf.seen(r->conf.arg, view);
    }
    (void)pthread_mutex_unlock(&r->mutex);
}

static int look(struct registry *r, struct err *e)
{
    struct registry_entry entries[REGISTRY_ENTRIES_MAX];
    struct registry_view view = { .up = true, .entries = entries };

    if (scan(r, e) < 0 || read_known(r, e) < 0) {
        return -1;
    }
    forget_gone(r);
    for (unsigned i = 0; i < r->known_count; i++) {
        entries[view.count++] =
            (struct registry_entry){ .text = r->known[i].text,
                                     .expires_ms = r->known[i].expires_ms };
    }
    show(r, &view);
    return 0;
}

/* --- The thread ---------------------------------------------------------- */

static void say_away(struct registry *r, const char *why)
{
    struct registry_view view = { .up = false, .why = why };

    metric_set(r->connected, 0);
    if (!r->said) {
        r->said = true;
        r->away_ms = clock_ms();
        log_warn("the registry is away, all else goes on without it",
                 "redis=%s:%d error=%s", r->url.host, r->url.port, why);
    }
    if (r->conf.seen) {
        show(r, &view);
    }
}

static void say_back(struct registry *r)
{
    metric_set(r->connected, 1);
    backoff_reset(&r->retry);
    if (r->said) {
        r->said = false;
        log_info("the registry is back", "redis=%s:%d after_ms=%lld",
                 r->url.host, r->url.port,
                 (long long)(clock_ms() - r->away_ms));
    }
}

/* Does what is due. */
static int turn(struct registry *r, struct err *e)
{
    if (!r->redis) {
        if (registryredis_open(&r->redis, &r->url, e) < 0) {
            return -1;
        }
        (void)snprintf(r->cursor, sizeof(r->cursor), "0");
        keep_again(r);
    }
    if (clock_ms() >= r->write_ms) {
        if (write_entry(r, e) < 0) {
            return -1;
        }
        r->write_ms = clock_ms() + r->conf.write_ms;
    }
    if (r->conf.kept && write_kept(r, e) < 0) {
        return -1;
    }
    if (r->conf.seen && clock_ms() >= r->look_ms) {
        if (look(r, e) < 0) {
            return -1;
        }
        r->look_ms = clock_ms() + r->conf.look_ms;
    }
    return 0;
}

/* How long until the next turn. */
static int turn_wait_ms(struct registry *r)
{
    struct err e = { 0 };
    int64_t due_ms;

    if (turn(r, &e) < 0) {
        registryredis_close(r->redis);
        r->redis = NULL;
        say_away(r, e.text);
        r->write_ms = r->look_ms = 0; /* at once when it is back */
        return backoff_next(&r->retry);
    }
    say_back(r);
    due_ms = r->write_ms;
    if (r->conf.seen && r->look_ms < due_ms) {
        due_ms = r->look_ms;
    }
    return clock_left_ms(due_ms);
}

static struct timespec time_after(clockid_t clock, int ms)
{
    struct timespec at;

    (void)clock_gettime(clock, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

/* Waits, unless the registry is closed. Returns whether it goes on. */
static bool rest(struct registry *r, int wait_ms)
{
    struct timespec until;
    bool goes_on;

    until = time_after(CLOCK_MONOTONIC, wait_ms);
    (void)pthread_mutex_lock(&r->mutex);
    while (!r->closing &&
           pthread_cond_timedwait(&r->wake, &r->mutex, &until) == 0) {
        /* woken for nothing: on with the wait */
    }
    goes_on = !r->closing;
    (void)pthread_mutex_unlock(&r->mutex);
    return goes_on;
}

static void *thread_run(void *arg)
{
    struct registry *r = arg;
    struct err ignored; /* what stays there ends by itself */

    while (rest(r, turn_wait_ms(r))) {
    }
    if (r->redis) {
        (void)!registryredis_del(r->redis, r->key, &ignored);
    }
    registryredis_close(r->redis);
    return NULL;
}

/* --- Opening and closing ------------------------------------------------- */

/* The host's name as a part of a key: letters, digits, '.', '_' and '-'. */
static void instance_make(struct registry *r)
{
    char host[HOST_BYTES] = "";

    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0') {
        (void)snprintf(host, sizeof(host), "localhost");
    }
    for (char *p = host; *p; p++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                    "0123456789._-",
                    *p)) {
            *p = '-';
        }
    }
    (void)snprintf(r->instance, sizeof(r->instance), "%s:%d", host,
                   server_port(r->conf.server));
}

/* Its signals belong to the main thread. */
static int thread_start(struct registry *r, struct err *e)
{
    sigset_t all, before;
    int code;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_create(&r->thread, NULL, thread_run, r);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0) {
        return err_set(e, ERR_RETRY, "cannot start a thread: %s",
                       strerror(code));
    }
    return 0;
}

static void registry_free(struct registry *r)
{
    for (unsigned i = 0; i < r->known_count; i++) {
        known_free(&r->known[i]);
    }
    xfree(r->known);
    buf_fini(&r->kept);
    registryurl_fini(&r->url);
    (void)pthread_cond_destroy(&r->wake);
    (void)pthread_mutex_destroy(&r->mutex);
    xfree(r);
}

static struct registry *registry_new(const struct registry_conf *conf)
{
    struct registry *r = xcalloc(1, sizeof(*r));
    pthread_condattr_t attr;

    r->conf = *conf;
    if (r->conf.write_ms == 0) {
        r->conf.write_ms = REGISTRY_WRITE_MS;
    }
    if (r->conf.look_ms == 0) {
        r->conf.look_ms = REGISTRY_LOOK_MS;
    }
    r->retry = (struct backoff){ .min_ms = REGISTRY_RETRY_MIN_MS,
                                 .max_ms = REGISTRY_RETRY_MAX_MS };
    r->known = xcalloc(REGISTRY_ENTRIES_MAX, sizeof(*r->known));
    r->connected = metric_get(
        metric_family(METRIC_GAUGE, "cdc_registry_connected", "",
                      "Whether the registry in Redis takes our entry"),
        NULL);
    buf_init(&r->kept, REGISTRY_KEPT_BYTES_MAX);
    instance_make(r);
    (void)snprintf(r->key, sizeof(r->key), "cdc:%s:proc:%s:%s", conf->name,
                   conf->role, r->instance);
    (void)snprintf(r->pattern, sizeof(r->pattern), "cdc:%s:proc:*", conf->name);
    CHECK(pthread_mutex_init(&r->mutex, NULL) == 0);
    CHECK(pthread_condattr_init(&attr) == 0);
    CHECK(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&r->wake, &attr) == 0);
    (void)pthread_condattr_destroy(&attr);
    return r;
}

int registry_url_check(const char *url, struct err *e)
{
    struct registryurl parsed;

    if (!url || !url[0]) {
        return 0;
    }
    if (registryurl_parse(&parsed, url, e) < 0) {
        return -1;
    }
    registryurl_fini(&parsed);
    return 0;
}

int registry_ping(const char *url, struct err *e)
{
    struct registryurl parsed;
    struct registryredis *redis = NULL;
    char *text = NULL;
    int64_t left_ms;
    int rc;

    if (registryurl_parse(&parsed, url, e) < 0) {
        return -1;
    }
    rc = registryredis_open(&redis, &parsed, e);
    if (rc == 0) { /* without a password only a question tells */
        registryredis_ask(redis, "cdc:check", 1);
        rc = registryredis_answer(redis, &text, &left_ms, e);
    }
    registryredis_close(redis);
    registryurl_fini(&parsed);
    xfree(text);
    return rc;
}

int registry_open(struct registry **ret, const struct registry_conf *conf,
                  struct err *e)
{
    struct registryurl url;
    struct registry *r;

    if (!conf->url || !conf->url[0]) {
        *ret = NULL;
        return 0;
    }
    if (registryurl_parse(&url, conf->url, e) < 0) {
        return -1;
    }
    r = registry_new(conf);
    r->url = url;
    if (thread_start(r, e) < 0) {
        registry_free(r);
        return -1;
    }
    *ret = r;
    return 0;
}

void registry_close(struct registry *r)
{
    struct timespec until;

    if (!r) {
        return;
    }
    (void)pthread_mutex_lock(&r->mutex);
    r->closing = true;
    (void)pthread_cond_signal(&r->wake);
    (void)pthread_mutex_unlock(&r->mutex);
    until = time_after(CLOCK_REALTIME, REGISTRY_CLOSE_MS);
    if (pthread_timedjoin_np(r->thread, NULL, &until) == 0) {
        registry_free(r);
    }
}

#include "monitor/relay.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "common/clock.h"
#include "common/stop.h"
#include "monitor/place.h"
#include "monitor/promtext.h"

/* "sink-es=localhost:9852", "producer=[::1]:9850" */
static int place_read(struct relay *r, struct str entry, struct err *e)
{
    const char *eq = memchr(entry.p, '=', entry.len);
    struct relay_role *rr;
    struct str host, port;
    size_t role_len;
    int role;

    if (!eq || !memchr(eq, ':', entry.len - (size_t)(eq - entry.p))) {
        return err_set(e, ERR_CONFIG,
                       "CDC_WORKERS: \"%.*s\" is not "
                       "role=host:port",
                       STR_ARG(entry));
    }
    role_len = (size_t)(eq - entry.p);
    role = place_role((struct str){ entry.p, role_len });
    if (role < 0) {
        return err_set(e, ERR_CONFIG,
                       "CDC_WORKERS: \"%.*s\": the role must be "
                       "producer, sink-es or sink-clickhouse",
                       STR_ARG(entry));
    }
    if (!place_cut((struct str){ eq + 1, entry.len - role_len - 1 }, &host,
                   &port)) {
        return err_set(e, ERR_CONFIG,
                       "CDC_WORKERS: \"%.*s\" has no usable "
                       "host:port",
                       STR_ARG(entry));
    }
    rr = &r->roles[role];
    if (rr->place_count == RELAY_PLACES_MAX) {
        return err_set(e, ERR_CONFIG,
                       "CDC_WORKERS: more than %d entries of "
                       "role %s",
                       RELAY_PLACES_MAX, role_names[role]);
    }
    rr->places[rr->place_count++] =
        (struct relay_place){ .host = xstrndup(host.p, host.len),
                              .port = xstrndup(port.p, port.len) };
    return 0;
}

static struct str trim(struct str s)
{
    while (s.len > 0 && s.p[0] == ' ') {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && s.p[s.len - 1] == ' ') {
        s.len--;
    }
    return s;
}

int relay_open(struct relay *r, const char *workers, pthread_mutex_t *lock,
               struct err *e)
{
    *r = (struct relay){ .lock = lock };
    while (*workers) {
        size_t len = strcspn(workers, ",");
        struct str entry = trim((struct str){ workers, len });

        if (entry.len > 0 && place_read(r, entry, e) < 0) {
            relay_close(r);
            return -1;
        }
        workers += len + (workers[len] == ',');
    }
    for (int i = 0; i < ROLE_COUNT; i++) {
        rates_init(&r->roles[i].rates, clock_ms(),
                   (double)clock_wall_us() / 1e6);
    }
    return 0;
}

static void worker_fini(struct relay_worker *w)
{
    http_close(w->http);
    buf_fini(&w->text);
}

void relay_close(struct relay *r)
{
    for (int i = 0; i < ROLE_COUNT; i++) {
        struct relay_role *rr = &r->roles[i];

        for (unsigned k = 0; k < rr->place_count; k++) {
            xfree(rr->places[k].host);
            xfree(rr->places[k].port);
        }
        for (unsigned k = 0; k < rr->worker_count; k++) {
            worker_fini(&rr->workers[k]);
        }
    }
    *r = (struct relay){ 0 };
}

static struct relay_worker *worker_find(struct relay_role *rr,
                                        const char *instance)
{
    for (unsigned i = 0; i < rr->worker_count; i++) {
        if (strcmp(rr->workers[i].instance, instance) == 0) {
            return &rr->workers[i];
        }
    }
    return NULL;
}

/* An address of a place: known already, or a worker to be. */
static void worker_list(struct relay *r, struct relay_role *rr, unsigned place,
                        int64_t started_us, const char *instance)
{
    struct relay_worker *w = worker_find(rr, instance);
    struct http *http;

    if (!w) {
        if (rr->worker_count == RELAY_WORKERS_MAX ||
            http_open(&http, &(struct http_conf){ .url = instance }, NULL) <
                0) {
            return;
        }
        (void)pthread_mutex_lock(r->lock);
        w = &rr->workers[rr->worker_count++];
        *w = (struct relay_worker){ .place = place, .http = http };
        (void)snprintf(w->instance, sizeof(w->instance), "%s", instance);
        buf_init(&w->text, RELAY_BYTES_MAX);
        (void)pthread_mutex_unlock(r->lock);
    }
    w->listed = true;
    w->listed_ms = clock_ms();
    (void)pthread_mutex_lock(r->lock);
    if (place == RELAY_PLACE_ENTRY) {
        w->entered = true;
        w->started_us = started_us;
    }
    (void)pthread_mutex_unlock(r->lock);
}

/* A name that cannot be resolved now keeps the workers it had. */
static void place_keep(struct relay_role *rr, unsigned place)
{
    for (unsigned i = 0; i < rr->worker_count; i++) {
        if (rr->workers[i].place == place) {
            rr->workers[i].listed = true;
        }
    }
}

static bool has_family(const struct addrinfo *list, int family)
{
    while (list && list->ai_family != family) {
        list = list->ai_next;
    }
    return list != NULL;
}

static void place_resolve(struct relay *r, struct relay_role *rr,
                          unsigned place, const struct relay_place *at)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    int family;

    if (getaddrinfo(at->host, at->port, &hints, &list) != 0) {
        place_keep(rr, place);
        return;
    }
    family = has_family(list, AF_INET) ? AF_INET : AF_INET6;
    for (struct addrinfo *a = list; a; a = a->ai_next) {
        char host[48], instance[64];

        if (a->ai_family == family &&
            getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), NULL, 0,
                        NI_NUMERICHOST) == 0) {
            (void)snprintf(instance, sizeof(instance),
                           family == AF_INET ? "%s:%s" : "[%s]:%s", host,
                           at->port);
            worker_list(r, rr, place, at->started_us, instance);
        }
    }
    freeaddrinfo(list);
}

/* The registry's entries as they are now; away, it tells nothing new, and
   those that still answer are kept. Returns how many. */
static unsigned entries_copy(const struct relay *r, const struct relay_role *rr,
                             struct registryread *to)
{
    int64_t now_ms = clock_ms();
    unsigned count = 0;

    (void)pthread_mutex_lock(r->lock);
    for (unsigned i = 0; i < rr->entry_count; i++) {
        if (rr->entries[i].expires_ms > now_ms || !r->registry_up) {
            to[count++] = rr->entries[i].at;
        }
    }
    (void)pthread_mutex_unlock(r->lock);
    return count;
}

static void entries_resolve(struct relay *r, struct relay_role *rr)
{
    struct registryread entries[RELAY_WORKERS_MAX];
    unsigned count = entries_copy(r, rr, entries);

    for (unsigned i = 0; i < count; i++) {
        const struct relay_place at = { .host = entries[i].host,
                                        .port = entries[i].port,
                                        .started_us = entries[i].started_us };

        place_resolve(r, rr, RELAY_PLACE_ENTRY, &at);
    }
}

/* Forgets the workers whose addresses are gone. One that still answers has a
   while: a registry that was restarted is empty for some seconds, and who is
   forgotten comes back with counters that would all count as gain. */
static void workers_prune(struct relay *r, struct relay_role *rr)
{
    int64_t now_ms = clock_ms();
    unsigned kept = 0;

    (void)pthread_mutex_lock(r->lock);
    for (unsigned i = 0; i < rr->worker_count; i++) {
        struct relay_worker *w = &rr->workers[i];

        if (!w->listed && (!w->up || now_ms - w->listed_ms > RELAY_KEEP_MS)) {
            worker_fini(w);
        } else {
            rr->workers[kept++] = *w;
        }
    }
    rr->worker_count = kept;
    (void)pthread_mutex_unlock(r->lock);
}

void relay_registry(struct relay *r, const struct registry_view *view)
{
    (void)pthread_mutex_lock(r->lock);
    r->registry_up = view->up;
    for (int i = 0; view->up && i < ROLE_COUNT; i++) {
        r->roles[i].entry_count = 0;
    }
    for (unsigned i = 0; i < view->count; i++) {
        struct relay_entry entry = { .expires_ms =
                                         view->entries[i].expires_ms };
        struct relay_role *rr;

        if (!registryread_worker(str_of(view->entries[i].text), &entry.at)) {
            continue;
        }
        rr = &r->roles[entry.at.role];
        if (rr->entry_count < RELAY_WORKERS_MAX) {
            rr->entries[rr->entry_count++] = entry;
        }
    }
    (void)pthread_mutex_unlock(r->lock);
}

struct rates_reading relay_reading(struct str text)
{
    struct rates_reading reading = { 0 };
    struct promtext_line line;
    enum promtext_kind kind;

    while ((kind = promtext_next(&text, &line)) != PROMTEXT_END) {
        if (kind != PROMTEXT_SERIES) {
            continue;
        }
        if (str_eq(line.name, STR("cdc_sync_events_total"))) {
            reading.finished += line.number;
        } else if (str_eq(line.name, STR("cdc_sync_errors_total"))) {
            reading.rejected += line.number;
        } else if (str_eq(line.name, STR("cdc_heartbeat_last_received_"
                                         "timestamp_seconds"))) {
            reading.heartbeat_s = line.number;
        } else if (str_eq(line.name, STR("process_start_time_seconds"))) {
            reading.start_s = line.number;
        }
    }
    return reading;
}

/* Is this the same process as an earlier one of the list, met under another
   address? Start times have microseconds. */
static bool is_twin(const struct relay_role *rr, const struct relay_worker *w,
                    double start_s)
{
    for (const struct relay_worker *k = rr->workers; k < w; k++) {
        if (k->up && !k->twin && start_s > 0 &&
            k->source.last.start_s == start_s) {
            return true;
        }
    }
    return false;
}

/* Keeps a worker's answer; takes the text out of `rq`. */
static void worker_keep(struct relay *r, struct relay_role *rr,
                        struct relay_worker *w, struct http_request *rq,
                        bool ready)
{
    struct rates_reading reading = relay_reading(buf_str(&rq->reply));

    (void)pthread_mutex_lock(r->lock);
    if (reading.heartbeat_s > rr->heartbeat_s) {
        rr->heartbeat_s = reading.heartbeat_s;
    }
    w->twin = is_twin(rr, w, reading.start_s);
    if (w->twin) {
        rates_note(&w->source, &reading);
    } else {
        rates_take(&rr->rates, &w->source, &reading);
    }
    struct buf old = w->text;
    w->text = rq->reply;
    rq->reply = old;
    w->at_ms = clock_ms();
    w->up = w->asked = true;
    w->ready = ready;
    (void)pthread_mutex_unlock(r->lock);
}

static void worker_ask(struct relay *r, struct relay_role *rr,
                       struct relay_worker *w)
{
    struct http_request rq[2] = {
        { .method = "GET", .path = "/metrics", .deadline_ms = RELAY_MS },
        { .method = "GET", .path = "/readyz", .deadline_ms = RELAY_MS },
    };
    int64_t begin_ms = clock_ms();

    buf_init(&rq[0].reply, RELAY_BYTES_MAX);
    buf_init(&rq[1].reply, 64 * 1024);
    /* each request holds its own result */
    (void)!http_run(w->http, rq, 2, NULL);
    if (rq[0].status == 200) {
        worker_keep(r, rr, w, &rq[0], rq[1].status == 200);
        w->pause_ms = 0;
    } else {
        bool hangs = clock_ms() - begin_ms >= RELAY_MS / 2;

        w->pause_ms = hangs ? clock_ms() + RELAY_PAUSE_MS : 0;
        (void)pthread_mutex_lock(r->lock);
        w->up = w->ready = false;
        w->asked = true;
        (void)pthread_mutex_unlock(r->lock);
    }
    buf_fini(&rq[0].reply);
    buf_fini(&rq[1].reply);
}

void relay_round(struct relay *r, enum role role)
{
    struct relay_role *rr = &r->roles[role];

    (void)pthread_mutex_lock(r->lock);
    for (unsigned i = 0; i < rr->worker_count; i++) {
        rr->workers[i].listed = rr->workers[i].entered = false;
    }
    (void)pthread_mutex_unlock(r->lock);
    for (unsigned i = 0; i < rr->place_count; i++) {
        place_resolve(r, rr, i, &rr->places[i]);
    }
    entries_resolve(r, rr);
    workers_prune(r, rr);
    for (unsigned i = 0; i < rr->worker_count && !stop_requested(); i++) {
        if (clock_ms() >= rr->workers[i].pause_ms) {
            worker_ask(r, rr, &rr->workers[i]);
        }
    }
    (void)pthread_mutex_lock(r->lock);
    rates_tick(&rr->rates, clock_ms());
    rr->rounds = true;
    (void)pthread_mutex_unlock(r->lock);
}

void relay_merge(const struct relay *r, struct expo *x, int64_t now_ms)
{
    for (int i = 0; i < ROLE_COUNT; i++) {
        for (unsigned k = 0; k < r->roles[i].worker_count; k++) {
            const struct relay_worker *w = &r->roles[i].workers[k];

            if (!w->twin && w->at_ms != 0 &&
                now_ms - w->at_ms <= RELAY_FRESH_MS) {
                expo_add(x, buf_str(&w->text), role_names[i], w->instance);
            }
        }
    }
}

/* Does the process of an entry that cannot be reached answer under another
   address? Behind NAT what it says of itself is of no use to us. */
static bool answers_elsewhere(const struct relay_role *rr,
                              const struct relay_worker *w)
{
    for (unsigned k = 0; k < rr->worker_count; k++) {
        const struct relay_worker *other = &rr->workers[k];
        double apart_us =
            other->source.last.start_s * 1e6 - (double)w->started_us;

        if (w->started_us > 0 && other->up && apart_us > -1000 &&
            apart_us < 1000) {
            return true;
        }
    }
    return false;
}

/* Those that answer, and those that the registry knows and that do not. */
static unsigned role_workers(const struct relay_role *rr, enum role role,
                             struct fact_worker *ret, unsigned max)
{
    unsigned count = 0;

    for (unsigned k = 0; k < rr->worker_count && count < max; k++) {
        const struct relay_worker *w = &rr->workers[k];

        if (w->up ? !w->twin
                  : w->entered && w->asked && !answers_elsewhere(rr, w)) {
            ret[count] = (struct fact_worker){ .role = role,
                                               .up = w->up,
                                               .ready = w->ready };
            memcpy(ret[count++].instance, w->instance, sizeof(w->instance));
        }
    }
    if (count == 0 && rr->rounds && rr->place_count > 0 && max > 0) {
        ret[count] = (struct fact_worker){ .role = role };
        (void)snprintf(ret[count++].instance, sizeof(ret[0].instance),
                       "%.50s:%s", rr->places[0].host, rr->places[0].port);
    }
    return count;
}

unsigned relay_workers(const struct relay *r, struct fact_worker *ret,
                       unsigned max)
{
    unsigned count = 0;

    for (int i = 0; i < ROLE_COUNT; i++) {
        count +=
            role_workers(&r->roles[i], (enum role)i, ret + count, max - count);
    }
    return count;
}

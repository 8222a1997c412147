/*
 * redisstub.h - a Redis of our own making: SET PX, GETRANGE, PTTL, SCAN, DEL,
 * AUTH, SELECT, in a thread, which can fall silent or refuse.
 *
 * Included by one program each; the program links cdc_base.
 */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"

enum redisstub_mode {
    REDISSTUB_OK,
    REDISSTUB_SILENT, /* reads, and answers nothing: a stopped process */
    REDISSTUB_ERROR,  /* answers every command with an error */
};

enum {
    REDISSTUB_CLIENTS = 16,
    REDISSTUB_KEYS = 32,
    REDISSTUB_ARGS = 8,
};

struct redisstub_key {
    char name[256], value[4096];
    int64_t expires_ms;
};

struct redisstub_client {
    int fd; /* -1: free */
    bool logged_in;
    struct buf in;
};

struct redisstub {
    int port, listener;
    pthread_t thread;
    atomic_int mode;
    atomic_bool ends;
    atomic_int commands; /* received */
    const char *password;
    pthread_mutex_t lock;
    struct redisstub_key keys[REDISSTUB_KEYS];
    struct redisstub_client clients[REDISSTUB_CLIENTS];
};

static inline struct redisstub_key *redisstub_find(struct redisstub *s,
                                                   const char *name)
{
    for (unsigned i = 0; i < REDISSTUB_KEYS; i++) {
        struct redisstub_key *k = &s->keys[i];

        if (k->name[0] && strcmp(k->name, name) == 0 &&
            k->expires_ms > clock_ms()) {
            return k;
        }
    }
    return NULL;
}

/* The value of a key, copied; false when there is none. Any thread. */
static inline bool redisstub_get(struct redisstub *s, const char *name,
                                 char ret[4096])
{
    struct redisstub_key *k;

    (void)pthread_mutex_lock(&s->lock);
    k = redisstub_find(s, name);
    if (k) {
        memcpy(ret, k->value, 4096);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return k != NULL;
}

static inline void redisstub_put(struct redisstub *s, const char *name,
                                 const char *value, int ttl_ms)
{
    struct redisstub_key *k = redisstub_find(s, name);

    for (unsigned i = 0; !k && i < REDISSTUB_KEYS; i++) {
        if (s->keys[i].expires_ms <= clock_ms()) {
            k = &s->keys[i];
        }
    }
    CHECK(k != NULL);
    (void)snprintf(k->name, sizeof(k->name), "%s", name);
    (void)snprintf(k->value, sizeof(k->value), "%s", value);
    k->expires_ms = clock_ms() + ttl_ms;
}

static inline void redisstub_scan(struct redisstub *s, const char *pattern,
                                  struct buf *out)
{
    size_t prefix = strlen(pattern) - 1; /* "...*" */
    unsigned count = 0;
    struct buf keys;

    buf_init(&keys, 65536);
    for (unsigned i = 0; i < REDISSTUB_KEYS; i++) {
        const struct redisstub_key *k = &s->keys[i];

        if (k->name[0] && k->expires_ms > clock_ms() &&
            strncmp(k->name, pattern, prefix) == 0) {
            buf_printf(&keys, "$%zu\r\n%s\r\n", strlen(k->name), k->name);
            count++;
        }
    }
    buf_printf(out, "*2\r\n$1\r\n0\r\n*%u\r\n%s", count, buf_z(&keys));
    buf_fini(&keys);
}

static inline void redisstub_run(struct redisstub *s,
                                 struct redisstub_client *c, char **argv,
                                 struct buf *out)
{
    struct redisstub_key *k = argv[1] ? redisstub_find(s, argv[1]) : NULL;

    if (strcmp(argv[0], "AUTH") == 0) {
        const char *given = argv[2] ? argv[2] : argv[1];

        c->logged_in = s->password && strcmp(given, s->password) == 0;
        if (c->logged_in) {
            buf_lit(out, "+OK\r\n");
        } else {
            /* as those do that know no AUTH */
            buf_printf(out, "-WRONGPASS with args beginning with: %s\r\n",
                       given);
        }
    } else if (s->password && !c->logged_in) {
        buf_lit(out, "-NOAUTH Authentication required.\r\n");
    } else if (strcmp(argv[0], "SET") == 0) {
        redisstub_put(s, argv[1], argv[2], (int)strtoul(argv[4], NULL, 10));
        buf_lit(out, "+OK\r\n");
    } else if (strcmp(argv[0], "DEL") == 0) {
        if (k) {
            k->expires_ms = 0;
        }
        buf_lit(out, ":1\r\n");
    } else if (strcmp(argv[0], "GETRANGE") == 0) {
        buf_printf(out, "$%zu\r\n%s\r\n", k ? strlen(k->value) : 0,
                   k ? k->value : "");
    } else if (strcmp(argv[0], "PTTL") == 0) {
        buf_printf(out, ":%lld\r\n",
                   k ? (long long)(k->expires_ms - clock_ms()) : -2LL);
    } else if (strcmp(argv[0], "SCAN") == 0) {
        redisstub_scan(s, argv[3], out);
    } else {
        buf_lit(out, "+OK\r\n"); /* SELECT */
    }
}

/* Takes one command off the input: its length, 0 while it is not whole. */
static inline size_t redisstub_cut(struct buf *in, char **argv)
{
    char *p = (char *)(uintptr_t)buf_z(in), *end = p + in->len, *next;
    unsigned long count;

    if (in->len == 0 || *p != '*' || !strstr(p, "\r\n")) {
        return 0;
    }
    count = strtoul(p + 1, &next, 10);
    next += 2;
    memset(argv, 0, (REDISSTUB_ARGS + 1) * sizeof(*argv));
    for (unsigned long i = 0; i < count && i < REDISSTUB_ARGS; i++) {
        unsigned long len;

        if (next >= end || *next != '$' || !strstr(next, "\r\n")) {
            return 0;
        }
        len = strtoul(next + 1, &next, 10);
        next += 2;
        if (next + len + 2 > end) {
            return 0;
        }
        argv[i] = next;
        next += len;
        *next = '\0';
        next += 2;
    }
    return (size_t)(next - p);
}

static inline void redisstub_serve(struct redisstub *s,
                                   struct redisstub_client *c)
{
    char part[4096], *argv[REDISSTUB_ARGS + 1];
    ssize_t n = recv(c->fd, part, sizeof(part), 0);
    size_t used;

    if (n <= 0) {
        (void)close(c->fd);
        c->fd = -1;
        buf_fini(&c->in);
        return;
    }
    buf_add(&c->in, part, (size_t)n);
    if (atomic_load(&s->mode) == REDISSTUB_SILENT) {
        atomic_fetch_add(&s->commands, 1);
        buf_reset(&c->in);
        return;
    }
    /* a command that is not whole must stay untouched: cut on a copy */
    for (;;) {
        struct buf copy, out;

        buf_init(&copy, 1 << 20);
        buf_init(&out, 1 << 20);
        buf_str_add(&copy, buf_str(&c->in));
        used = redisstub_cut(&copy, argv);
        if (used > 0) {
            atomic_fetch_add(&s->commands, 1);
            (void)pthread_mutex_lock(&s->lock);
            if (atomic_load(&s->mode) == REDISSTUB_ERROR) {
                buf_lit(&out, "-LOADING Redis is loading\r\n");
            } else {
                redisstub_run(s, c, argv, &out);
            }
            (void)pthread_mutex_unlock(&s->lock);
            (void)!send(c->fd, out.p, out.len, MSG_NOSIGNAL);
            memmove(c->in.p, c->in.p + used, c->in.len - used);
            c->in.len -= used;
        }
        buf_fini(&copy);
        buf_fini(&out);
        if (used == 0 || c->in.len == 0) {
            return;
        }
    }
}

static inline void redisstub_accept(struct redisstub *s)
{
    int fd = accept(s->listener, NULL, NULL);

    for (unsigned i = 0; i < REDISSTUB_CLIENTS; i++) {
        if (s->clients[i].fd < 0) {
            s->clients[i] = (struct redisstub_client){ .fd = fd };
            buf_init(&s->clients[i].in, 1 << 20);
            return;
        }
    }
    (void)close(fd);
}

static inline void *redisstub_thread(void *arg)
{
    struct redisstub *s = arg;

    while (!atomic_load(&s->ends)) {
        struct pollfd fds[REDISSTUB_CLIENTS + 1];

        fds[REDISSTUB_CLIENTS] =
            (struct pollfd){ .fd = s->listener, .events = POLLIN };
        for (unsigned i = 0; i < REDISSTUB_CLIENTS; i++) {
            fds[i] =
                (struct pollfd){ .fd = s->clients[i].fd, .events = POLLIN };
        }
        (void)poll(fds, REDISSTUB_CLIENTS + 1, 20);
        for (unsigned i = 0; i < REDISSTUB_CLIENTS; i++) {
            if (fds[i].revents) {
                redisstub_serve(s, &s->clients[i]);
            }
        }
        if (fds[REDISSTUB_CLIENTS].revents) {
            redisstub_accept(s);
        }
    }
    return NULL;
}

/* Listens on `port`, 0 = any. Keys of an earlier start stay. */
static inline void redisstub_start(struct redisstub *s, int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port) };
    socklen_t len = sizeof(at);
    const int one = 1;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    CHECK(bind(s->listener, (struct sockaddr *)&at, sizeof(at)) == 0);
    CHECK(listen(s->listener, 16) == 0);
    CHECK(getsockname(s->listener, (struct sockaddr *)&at, &len) == 0);
    s->port = ntohs(at.sin_port);
    for (unsigned i = 0; i < REDISSTUB_CLIENTS; i++) {
        s->clients[i].fd = -1;
    }
    CHECK(pthread_mutex_init(&s->lock, NULL) == 0);
    atomic_store(&s->ends, false);
    CHECK(pthread_create(&s->thread, NULL, redisstub_thread, s) == 0);
}

static inline void redisstub_stop(struct redisstub *s)
{
    atomic_store(&s->ends, true);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->listener);
    for (unsigned i = 0; i < REDISSTUB_CLIENTS; i++) {
        if (s->clients[i].fd >= 0) {
            (void)close(s->clients[i].fd);
            buf_fini(&s->clients[i].in);
        }
    }
}

#include "common/registryredis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <hiredis/hiredis.h>

enum { SCAN_COUNT = 1000, CURSOR_BYTES = 24, KEY_BYTES_MAX = 512 };

struct registryredis {
    redisContext *redis;
};

/* The connection's own error. hiredis calls a timeout "Resource temporarily
   unavailable". */
static int failed(const struct registryredis *c, struct err *e)
{
    const redisContext *redis = c->redis;

    if (!redis) {
        return err_set(e, ERR_RETRY, "no memory for a connection");
    }
    if (redis->err == REDIS_ERR_IO &&
        (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return err_set(e, ERR_RETRY, "no answer within %d ms",
                       REGISTRYREDIS_MS);
    }
    return err_set(e, ERR_RETRY, "%s",
                   redis->errstr[0] ? redis->errstr : "the connection is lost");
}

/* The next answer, of the type wanted; the caller's. */
static int reply_next(struct registryredis *c, int type, redisReply **ret,
                      struct err *e)
{
    void *got = NULL;
    redisReply *reply;
    int rc = 0;

    errno = 0;
    if (redisGetReply(c->redis, &got) != REDIS_OK) {
        return failed(c, e);
    }
    reply = got;
    if (reply->type == REDIS_REPLY_ERROR) {
        rc = err_set(e, ERR_RETRY, "Redis answers: %s", reply->str);
    } else if (reply->type != type) {
        rc = err_set(e, ERR_RETRY, "an unexpected answer (is it Redis?)");
    }
    if (rc < 0) {
        freeReplyObject(reply);
        return -1;
    }
    *ret = reply;
    return 0;
}

/* Runs one command whose answer only has to be no error. */
static int command(struct registryredis *c, int argc, const char **argv,
                   int type, struct err *e)
{
    redisReply *reply;

    if (redisAppendCommandArgv(c->redis, argc, argv, NULL) != REDIS_OK) {
        return failed(c, e);
    }
    if (reply_next(c, type, &reply, e) < 0) {
        return -1;
    }
    freeReplyObject(reply);
    return 0;
}

/* --- Beginning and end --------------------------------------------------- */

/* Of a refusal only the code is shown ("WRONGPASS"): some servers repeat the
   arguments of a command they do not know, and here that is the password. */
static int log_in(struct registryredis *c, const struct registryurl *url,
                  struct err *e)
{
    const char *with_user[] = { "AUTH", url->user, url->password };
    const char *alone[] = { "AUTH", url->password };
    redisReply *reply;
    int rc = 0;

    if (!url->password) {
        return 0;
    }
    errno = 0;
    reply = url->user ? redisCommandArgv(c->redis, 3, with_user, NULL)
                      : redisCommandArgv(c->redis, 2, alone, NULL);
    if (!reply) {
        return failed(c, e);
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        size_t len = strspn(reply->str, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

        rc = err_set(e, ERR_PERMISSION,
                     "Redis refuses the password of REDIS_URL (%.*s)", (int)len,
                     reply->str);
    }
    freeReplyObject(reply);
    return rc;
}

static int database_select(struct registryredis *c, int database, struct err *e)
{
    char number[16];
    const char *argv[] = { "SELECT", number };

    if (database == 0) {
        return 0;
    }
    (void)snprintf(number, sizeof(number), "%d", database);
    return command(c, 2, argv, REDIS_REPLY_STATUS, e);
}

static int connect_redis(struct registryredis *c, const struct registryurl *url,
                         struct err *e)
{
    const struct timeval limit = { .tv_sec = REGISTRYREDIS_MS / 1000,
                                   .tv_usec = REGISTRYREDIS_MS % 1000 * 1000 };

    errno = 0;
    c->redis = redisConnectWithTimeout(url->host, url->port, limit);
    if (!c->redis || c->redis->err ||
        redisSetTimeout(c->redis, limit) != REDIS_OK) {
        return failed(c, e);
    }
    return 0;
}

int registryredis_open(struct registryredis **ret,
                       const struct registryurl *url, struct err *e)
{
    struct registryredis *c = xcalloc(1, sizeof(*c));

    if (connect_redis(c, url, e) < 0 || log_in(c, url, e) < 0 ||
        database_select(c, url->database, e) < 0) {
        registryredis_close(c);
        return -1;
    }
    *ret = c;
    return 0;
}

void registryredis_close(struct registryredis *c)
{
    if (c) {
        redisFree(c->redis); /* accepts NULL */
        xfree(c);
    }
}

bool registryredis_address(const struct registryredis *c, bool v4_only,
                           char *ret, size_t size)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    const void *address = NULL;

    if (getsockname(c->redis->fd, (struct sockaddr *)&at, &len) != 0) {
        return false;
    }
    if (at.ss_family == AF_INET) {
        address = &((struct sockaddr_in *)&at)->sin_addr;
    } else if (at.ss_family == AF_INET6 && !v4_only) {
        address = &((struct sockaddr_in6 *)&at)->sin6_addr;
    }
    return address &&
           inet_ntop(at.ss_family, address, ret, (socklen_t)size) != NULL;
}

/* --- Commands ------------------------------------------------------------ */

int registryredis_set(struct registryredis *c, const char *key,
                      const char *text, int ttl_ms, struct err *e)
{
    char ttl[16];
    const char *argv[] = { "SET", key, text, "PX", ttl };

    (void)snprintf(ttl, sizeof(ttl), "%d", ttl_ms);
    return command(c, 5, argv, REDIS_REPLY_STATUS, e);
}

int registryredis_del(struct registryredis *c, const char *key, struct err *e)
{
    const char *argv[] = { "DEL", key };

    return command(c, 2, argv, REDIS_REPLY_INTEGER, e);
}

/* [next cursor, [key, ...]] */
static bool scan_is_good(const redisReply *reply)
{
    return reply->elements == 2 &&
           reply->element[0]->type == REDIS_REPLY_STRING &&
           reply->element[0]->len > 0 &&
           reply->element[0]->len < CURSOR_BYTES &&
           reply->element[1]->type == REDIS_REPLY_ARRAY;
}

int registryredis_scan(struct registryredis *c, char cursor[24],
                       const char *pattern, registryredis_key_fn *each,
                       void *arg, struct err *e)
{
    redisReply *reply;

    if (redisAppendCommand(c->redis, "SCAN %s MATCH %s COUNT %d", cursor,
                           pattern, SCAN_COUNT) != REDIS_OK) {
        return failed(c, e);
    }
    if (reply_next(c, REDIS_REPLY_ARRAY, &reply, e) < 0) {
        return -1;
    }
    if (!scan_is_good(reply)) {
        freeReplyObject(reply);
        return err_set(e, ERR_RETRY, "an unexpected answer to SCAN");
    }
    for (size_t i = 0; i < reply->element[1]->elements; i++) {
        const redisReply *key = reply->element[1]->element[i];

        if (key->type == REDIS_REPLY_STRING && key->len < KEY_BYTES_MAX) {
            each(arg, key->str);
        }
    }
    memcpy(cursor, reply->element[0]->str, reply->element[0]->len + 1);
    freeReplyObject(reply);
    return 0;
}

/* Appending fails without memory only, and the answers would be missing. */
void registryredis_ask(struct registryredis *c, const char *key, int bytes_max)
{
    (void)redisAppendCommand(c->redis, "GETRANGE %s 0 %d", key, bytes_max - 1);
    (void)redisAppendCommand(c->redis, "PTTL %s", key);
}

int registryredis_answer(struct registryredis *c, char **ret_text,
                         int64_t *ret_ttl_ms, struct err *e)
{
    redisReply *text, *left;

    if (reply_next(c, REDIS_REPLY_STRING, &text, e) < 0) {
        return -1;
    }
    if (reply_next(c, REDIS_REPLY_INTEGER, &left, e) < 0) {
        freeReplyObject(text);
        return -1;
    }
    *ret_text =
        left->integer == -2 ? xstrdup("") : xstrndup(text->str, text->len);
    *ret_ttl_ms = left->integer;
    freeReplyObject(text);
    freeReplyObject(left);
    return 0;
}

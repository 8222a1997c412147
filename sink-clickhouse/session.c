#include "sink-clickhouse/session.h"

#include "sink-clickhouse/fault.h"

enum {
    DEFAULT_PORT = 8123,
    MAJOR_MIN = 22,
    REPLY_MAX = 32 << 20, /* 1,600 columns of a table and its view */
    HEADER_MAX = 8 << 10,
};

/* `max_query_size`: the DDL of a table with 1,600 long names is larger than
   the default of 256 KiB. */
#define ASK_PATH "/?wait_end_of_query=1&max_query_size=4194304"

/*
 * What inserts pin, where the server knows it (DESIGN 5, reliability.md 4):
 * acknowledged means stored (no async insert), the same block again is no
 * duplicate to drop, and nothing is skipped, defaulted or forgiven.
 */
static const struct {
    const char *name, *value;
} pinned[] = {
    { "async_insert", "0" },
    { "insert_deduplicate", "0" },
    { "deduplicate_insert", "disable" },
    { "input_format_skip_unknown_fields", "0" },
    { "input_format_null_as_default", "0" },
    { "input_format_allow_errors_num", "0" },
    { "input_format_allow_errors_ratio", "0" },
    { "materialized_views_ignore_errors", "0" },
};

/* Does the URL carry user and password itself? */
static bool url_has_user(const char *url)
{
    const char *host = strstr(url, "://");
    size_t len;

    host = host ? host + 3 : url;
    len = strcspn(host, "/?#");
    return memchr(host, '@', len) != NULL;
}

static int header_write(struct buf *b, const char *name, const char *value,
                        struct err *e)
{
    buf_printf(b, "%s: %s", name, value);
    if (strpbrk(value, "\r\n") || !buf_ok(b)) {
        return err_set(e, ERR_CONFIG,
                       "ClickHouse user or password is too long or holds a "
                       "line break");
    }
    return 0;
}

/* Basic authentication from the URL and ClickHouse's own headers exclude each
   other on the server. */
static int http_start(struct session *s, const struct session_conf *conf,
                      struct buf *user, struct buf *key, struct err *e)
{
    const char *headers[] = { NULL, NULL, NULL };
    struct http_conf http = { .url = conf->host,
                              .default_port = DEFAULT_PORT,
                              .headers = headers };
    bool password = conf->password && conf->password[0];

    if (url_has_user(conf->host)) {
        if (password || (conf->user && strcmp(conf->user, "default") != 0)) {
            return err_set(e, ERR_CONFIG,
                           "credentials stand in CLICKHOUSE_HOST and in "
                           "CLICKHOUSE_USER or CLICKHOUSE_PASSWORD: use one");
        }
        return http_open(&s->http, &http, e);
    }
    if (header_write(user, "X-ClickHouse-User",
                     conf->user ? conf->user : "default", e) < 0 ||
        header_write(key, "X-ClickHouse-Key", password ? conf->password : "",
                     e) < 0) {
        return -1;
    }
    headers[0] = buf_z(user);
    headers[1] = password ? buf_z(key) : NULL;
    return http_open(&s->http, &http, e);
}

int session_open(struct session *s, const struct session_conf *conf,
                 struct err *e)
{
    struct buf user, key;
    int rc;

    *s = (struct session){ .once = conf->once };
    buf_init(&s->settings, REPLY_MAX);
    buf_init(&s->reply, REPLY_MAX);
    buf_init(&user, HEADER_MAX);
    buf_init(&key, HEADER_MAX);
    rc = http_start(s, conf, &user, &key, e);
    buf_fini(&user);
    buf_fini(&key);
    return rc;
}

void session_close(struct session *s)
{
    if (s) {
        http_close(s->http);
        buf_fini(&s->settings);
        buf_fini(&s->reply);
        *s = (struct session){ 0 };
    }
}

/* The kind of error that a failed statement is. */
static enum err_kind kind_of(const struct session *s,
                             const struct http_request *req, enum fault fault)
{
    switch (fault) {
    case FAULT_DENIED: return s->once ? ERR_PERMISSION : ERR_RETRY;
    case FAULT_RETRY:
        return s->once && req->status == 0 ? ERR_UNREACHABLE : ERR_RETRY;
    case FAULT_NONE:
    case FAULT_UNKNOWN:
    case FAULT_SETTING:
    case FAULT_INPUT: break;
    }
    return ERR_FATAL;
}

static int statement_run(struct session *s, struct str sql, bool expect_empty,
                         struct err *e)
{
    struct http_request req = { .method = "POST",
                                .path = ASK_PATH,
                                .content_type = "text/plain; charset=UTF-8",
                                .body = sql,
                                .reply = s->reply };
    struct err ignored; /* fault_error says it better */
    enum fault fault;

    buf_reset(&req.reply);
    fault = http_run(s->http, &req, 1, &ignored) < 0
                ? FAULT_RETRY
                : fault_of(&req, expect_empty);
    s->reply = req.reply;
    if (fault == FAULT_NONE) {
        return 0;
    }
    (void)fault_error(&req, kind_of(s, &req, fault), e);
    return err_wrap(e, "ClickHouse at %s", http_name(s->http));
}

int session_ask(struct session *s, struct str sql, struct err *e)
{
    return statement_run(s, sql, false, e);
}

int session_do(struct session *s, struct str sql, struct err *e)
{
    return statement_run(s, sql, true, e);
}

/* "26.7.2.1" */
static int version_read(struct session *s, struct err *e)
{
    int major, minor;

    if (sscanf(buf_z(&s->reply), "%4d.%4d", &major, &minor) != 2) {
        return err_set(e, ERR_RETRY,
                       "ClickHouse at %s: \"%.60s\" is no version",
                       http_name(s->http), buf_z(&s->reply));
    }
    if (major < MAJOR_MIN) {
        return err_set(e, ERR_CONFIG,
                       "ClickHouse at %s is version %d.%d: at least %d is "
                       "needed",
                       http_name(s->http), major, minor, MAJOR_MIN);
    }
    s->major = major;
    s->minor = minor;
    return 0;
}

/* Is `name` one of the lines of the answer? */
static bool line_find(struct str answer, const char *name)
{
    size_t len = strlen(name);
    const char *p = answer.p, *end = answer.p + answer.len;

    while (p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t line = (size_t)((stop ? stop : end) - p);

        if (line == len && memcmp(p, name, len) == 0) {
            return true;
        }
        p += line + 1;
    }
    return false;
}

int session_probe(struct session *s, struct err *e)
{
    struct buf sql;
    int rc;

    if (s->probed) {
        return 0;
    }
    if (session_ask(s, STR("SELECT version() FORMAT TabSeparated"), e) < 0 ||
        version_read(s, e) < 0) {
        return -1;
    }
    buf_init(&sql, REPLY_MAX);
    buf_lit(&sql, "SELECT name FROM system.settings WHERE name IN (");
    for (size_t i = 0; i < COUNT_OF(pinned); i++) {
        buf_printf(&sql, "%s'%s'", i > 0 ? ", " : "", pinned[i].name);
    }
    buf_lit(&sql, ") FORMAT TabSeparated");
    rc = session_ask(s, buf_str(&sql), e);
    buf_fini(&sql);
    if (rc < 0) {
        return -1;
    }
    buf_reset(&s->settings);
    for (size_t i = 0; i < COUNT_OF(pinned); i++) {
        if (line_find(buf_str(&s->reply), pinned[i].name)) {
            buf_printf(&s->settings, "&%s=%s", pinned[i].name, pinned[i].value);
        }
    }
    s->probed = true;
    return 0;
}

void session_insert_path(const struct session *s, struct str escaped,
                         struct buf *b)
{
    /* wait_end_of_query: no 200 before all of it is stored */
    buf_lit(b, "/?wait_end_of_query=1&query=");
    buf_str_add(b, escaped);
    buf_str_add(b, buf_str(&s->settings));
}

bool session_has_is_deleted(const struct session *s)
{
    return s->major > 23 || (s->major == 23 && s->minor >= 2);
}

#include "common/http.h"

#include <curl/curl.h>

#include "common/clock.h"
#include "common/httpurl.h"
#include "common/stop.h"

enum {
    CONNECT_MS = 5000,
    WAIT_MS = 1000,         /* the longest single wait */
    CONNECTION_AGE_S = 300, /* then the name is resolved again */
    URL_BYTES_MAX = 1 << 20,
};

/* One handle in use: a request and what libcurl writes to for it. */
struct slot {
    CURL *easy; /* kept for the next run */
    struct http_request *rq;
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
    bool overflow; /* the reply's cap stopped the transfer */
    bool given_up; /* the taker of pieces did */
    bool running;
};

struct http {
    CURLM *multi;
    struct slot **slots; /* one block each: libcurl holds their addresses */
    unsigned slot_count;
    struct curl_slist *headers; /* the target's own, in front of each */
    struct httpurl url;
    int64_t stop_deadline_ms; /* 0: no stop seen yet */
};

/* --- Opening ------------------------------------------------------------- */

static struct curl_slist *header_add(struct curl_slist *list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(list, line);

    CHECK(longer != NULL); /* only without memory */
    return longer;
}

/* A control character would forge a header; the text may be a secret. */
static int headers_set(struct http *h, const char *const *headers,
                       struct err *e)
{
    for (; headers && *headers; headers++) {
        for (const char *p = *headers; *p; p++) {
            if ((unsigned char)*p < 0x20 || *p == 0x7f) {
                return err_set(e, ERR_CONFIG,
                               "HTTP header with a control "
                               "character (a line break in a key file?)");
            }
        }
        h->headers = header_add(h->headers, *headers);
    }
    h->headers = header_add(h->headers, "Expect:"); /* do not send it */
    return 0;
}

static void replace(char **text, const char *with)
{
    if (with) {
        xfree(*text);
        *text = xstrdup(with);
    }
}

int http_open(struct http **ret_http, const struct http_conf *conf,
              struct err *e)
{
    struct http *h;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return err_set(e, ERR_FATAL, "libcurl does not start");
    }
    h = xcalloc(1, sizeof(*h));
    h->multi = curl_multi_init();
    CHECK(h->multi != NULL);
    if (httpurl_parse(&h->url, conf->url, conf->default_port, e) < 0 ||
        headers_set(h, conf->headers, e) < 0) {
        http_close(h);
        return -1;
    }
    replace(&h->url.user, conf->user);
    replace(&h->url.password, conf->password);
    *ret_http = h;
    return 0;
}

void http_close(struct http *h)
{
    if (!h) {
        return;
    }
    for (unsigned i = 0; i < h->slot_count; i++) {
        curl_easy_cleanup(h->slots[i]->easy);
        xfree(h->slots[i]);
    }
    (void)curl_multi_cleanup(h->multi);
    curl_slist_free_all(h->headers);
    xfree(h->slots);
    httpurl_fini(&h->url);
    xfree(h);
    curl_global_cleanup();
}

const char *http_name(const struct http *h)
{
    return h->url.name;
}

void http_escape(struct buf *b, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
            (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' ||
            c == '~') {
            buf_char(b, (char)c);
        } else {
            const char text[3] = { '%', digits[c >> 4], digits[c & 15] };

            buf_add(b, text, sizeof(text));
        }
    }
}

/* --- One request --------------------------------------------------------- */

/* libcurl gives a part of the body. */
static size_t on_body(char *p, size_t size, size_t count, void *arg)
{
    struct slot *slot = arg;
    const struct http_request *rq = slot->rq;
    long status = 0;

    if (rq->piece &&
        curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status) ==
            CURLE_OK &&
        status == 200) {
        slot->given_up = !rq->piece(rq->piece_arg, p, size * count);
        return slot->given_up ? CURL_WRITEFUNC_ERROR : size * count;
    }
    buf_add(&slot->rq->reply, p, size * count);
    if (!buf_ok(&slot->rq->reply)) {
        slot->overflow = true;
        return CURL_WRITEFUNC_ERROR;
    }
    return size * count;
}

/* Copies the value of header `name` (with its colon), cut to `size`; false
   when the line is another header. */
static bool header_take(const char *line, size_t len, const char *name,
                        char *value, size_t size)
{
    size_t at = strlen(name), n = 0;

    if (len <= at || strncasecmp(line, name, at) != 0) {
        return false;
    }
    while (at < len && line[at] == ' ') {
        at++;
    }
    while (at < len && (unsigned char)line[at] >= ' ' && n + 1 < size) {
        value[n++] = line[at++];
    }
    while (n > 0 && value[n - 1] == ' ') {
        n--;
    }
    value[n] = '\0';
    return true;
}

/* libcurl gives a header line; two are kept, and only of the last answer (an
   interim one may come before it). */
static size_t on_header(char *p, size_t size, size_t count, void *arg)
{
    struct slot *slot = arg;
    struct http_request *rq = slot->rq;
    size_t len = size * count;

    if (len >= 5 && memcmp(p, "HTTP/", 5) == 0) {
        rq->exception_code[0] = rq->summary[0] = '\0';
    } else if (!header_take(p, len, "X-ClickHouse-Exception-Code:",
                            rq->exception_code, sizeof(rq->exception_code))) {
        (void)header_take(p, len, "X-ClickHouse-Summary:", rq->summary,
                          sizeof(rq->summary));
    }
    return len;
}

#define SET(option, value) \
    (ok = ok && curl_easy_setopt(easy, option, value) == CURLE_OK)

/* What is the same for each request. */
static bool target_apply(const struct http *h, struct slot *slot)
{
    CURL *easy = slot->easy;
    bool ok = true;

    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, ""); /* also not the environment's */
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* do not wait for a slow resolver */
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_USERAGENT, "data-sync/" CDC_VERSION);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    SET(CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_AGE_S);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, 30L);
    SET(CURLOPT_TCP_KEEPINTVL, 10L);
    SET(CURLOPT_ERRORBUFFER, slot->error);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, slot);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, slot);
    SET(CURLOPT_PRIVATE, slot);
    if (h->url.user) {
        SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        SET(CURLOPT_USERNAME, h->url.user);
        SET(CURLOPT_PASSWORD, h->url.password ? h->url.password : "");
    }
    return ok;
}

static bool method_apply(CURL *easy, const struct http_request *rq)
{
    bool ok = true;
    bool body = rq->body.len > 0 || strcmp(rq->method, "POST") == 0 ||
                strcmp(rq->method, "PUT") == 0;

    if (strcmp(rq->method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
        return ok;
    }
    if (body) { /* borrowed by libcurl until the end */
        SET(CURLOPT_POSTFIELDS, rq->body.p ? rq->body.p : "");
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.len);
    }
    SET(CURLOPT_CUSTOMREQUEST, rq->method);
    return ok;
}

/* The request's header lines: the target's, then its own. */
static struct curl_slist *headers_of(const struct http *h,
                                     const struct http_request *rq)
{
    struct curl_slist *list = NULL;
    struct buf line;

    for (const struct curl_slist *s = h->headers; s; s = s->next) {
        list = header_add(list, s->data);
    }
    buf_init(&line, 1024);
    /* without a value: libcurl must not add its own */
    buf_printf(&line, "Content-Type:%s%s", rq->content_type ? " " : "",
               rq->content_type ? rq->content_type : "");
    list = header_add(list, buf_z(&line));
    buf_fini(&line);
    return list;
}

static bool slot_apply(struct http *h, struct slot *slot)
{
    const struct http_request *rq = slot->rq;
    CURL *easy = slot->easy;
    struct buf url;
    bool ok = true;

    buf_init(&url, URL_BYTES_MAX);
    buf_printf(&url, "%s%s", h->url.base, rq->path);
    ok = buf_ok(&url);
    SET(CURLOPT_URL, buf_z(&url)); /* copied */
    SET(CURLOPT_HTTPHEADER, slot->headers);
    SET(CURLOPT_TIMEOUT_MS,
        (long)(rq->deadline_ms > 0 ? rq->deadline_ms : HTTP_DEADLINE_MS));
    buf_fini(&url);
    return ok && method_apply(easy, rq) && target_apply(h, slot);
}

/* Ends a request without an answer. */
static void request_fail(struct http_request *rq, const char *why)
{
    rq->status = 0;
    (void)snprintf(rq->why, sizeof(rq->why), "%s", why);
}

static void slot_start(struct http *h, struct slot *slot,
                       struct http_request *rq)
{
    rq->status = 0;
    rq->why[0] = '\0';
    rq->exception_code[0] = rq->summary[0] = '\0';
    buf_reset(&rq->reply);
    slot->rq = rq;
    slot->overflow = false;
    slot->given_up = false;
    slot->error[0] = '\0';
    slot->headers = headers_of(h, rq);
    curl_easy_reset(slot->easy); /* keeps connections and names */
    if (!slot_apply(h, slot) ||
        curl_multi_add_handle(h->multi, slot->easy) != CURLM_OK) {
        request_fail(rq, "libcurl refuses the request");
        return;
    }
    slot->running = true;
}

/* Takes the handle out; what was not read is dropped with the connection. */
static void slot_end(struct http *h, struct slot *slot)
{
    if (slot->running) {
        (void)curl_multi_remove_handle(h->multi, slot->easy);
        slot->running = false;
    }
    curl_slist_free_all(slot->headers);
    slot->headers = NULL;
}

/* An answer counts only when it is complete: a body that was cut, or one
   over its cap, leaves the status 0. */
static void slot_done(struct slot *slot, CURLcode code)
{
    struct http_request *rq = slot->rq;
    long status = 0;

    if (slot->overflow) {
        (void)snprintf(rq->why, sizeof(rq->why), "answer above %zu bytes",
                       rq->reply.max);
    } else if (slot->given_up) {
        request_fail(rq, "given up by its reader");
    } else if (code != CURLE_OK) {
        request_fail(rq,
                     slot->error[0] ? slot->error : curl_easy_strerror(code));
    } else if (curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status) !=
                   CURLE_OK ||
               status < 200 || status > 999) {
        request_fail(rq, "no HTTP answer");
    } else {
        rq->status = (int)status;
    }
}

/* --- Running several ----------------------------------------------------- */

static void finished_collect(struct http *h)
{
    int left;
    const CURLMsg *msg;

    while ((msg = curl_multi_info_read(h->multi, &left))) {
        struct slot *slot = NULL;
        CURLcode code = msg->data.result;

        if (msg->msg == CURLMSG_DONE &&
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &slot) ==
                CURLE_OK) {
            slot_done(slot, code);
            slot_end(h, slot);
        }
    }
}

static unsigned running_count(const struct http *h)
{
    unsigned running = 0;

    for (unsigned i = 0; i < h->slot_count; i++) {
        running += h->slots[i]->running;
    }
    return running;
}

static void running_abandon(struct http *h, const char *why)
{
    for (unsigned i = 0; i < h->slot_count; i++) {
        if (h->slots[i]->running) {
            request_fail(h->slots[i]->rq, why);
            slot_end(h, h->slots[i]);
        }
    }
}

/* Waits for sockets, libcurl's timers and, until one was seen, a stop; that
   wakes the wait once and starts the grace. */
static bool wait_goes_on(struct http *h)
{
    struct curl_waitfd extra = { .fd = stop_fd(), .events = CURL_WAIT_POLLIN };
    int wait_ms = WAIT_MS;
    unsigned extra_count;

    if (stop_requested() && h->stop_deadline_ms == 0) {
        h->stop_deadline_ms = clock_ms() + HTTP_STOP_GRACE_MS;
    }
    if (h->stop_deadline_ms != 0) {
        int left_ms = clock_left_ms(h->stop_deadline_ms);

        wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
        if (wait_ms == 0) {
            return false;
        }
    }
    extra_count = extra.fd >= 0 && h->stop_deadline_ms == 0;
    return curl_multi_poll(h->multi, &extra, extra_count, wait_ms, NULL) ==
           CURLM_OK;
}

static void slots_reserve(struct http *h, unsigned count)
{
    if (count <= h->slot_count) {
        return;
    }
    h->slots = xrealloc(h->slots, count, sizeof(*h->slots));
    for (; h->slot_count < count; h->slot_count++) {
        struct slot *slot = xcalloc(1, sizeof(*slot));

        slot->easy = curl_easy_init();
        CHECK(slot->easy != NULL);
        h->slots[h->slot_count] = slot;
    }
}

/* "POST http://host:9200/_bulk: …", without the query. */
static int first_failure(const struct http *h,
                         const struct http_request *requests, unsigned count,
                         struct err *e)
{
    for (unsigned i = 0; i < count; i++) {
        const struct http_request *rq = &requests[i];

        if (rq->status == 0) {
            return err_set(e, ERR_RETRY, "%s %s%.*s: %s", rq->method,
                           h->url.name, (int)strcspn(rq->path, "?"), rq->path,
                           rq->why);
        }
    }
    return 0;
}

int http_run(struct http *h, struct http_request *requests, unsigned count,
             struct err *e)
{
    int running;

    slots_reserve(h, count);
    for (unsigned i = 0; i < count; i++) {
        slot_start(h, h->slots[i], &requests[i]);
    }
    while (running_count(h) > 0) {
        if (curl_multi_perform(h->multi, &running) != CURLM_OK) {
            running_abandon(h, "libcurl failed");
        }
        finished_collect(h);
        if (running_count(h) > 0 && !wait_goes_on(h)) {
            running_abandon(h, stop_requested() ? "given up: stopping"
                                                : "libcurl failed");
        }
    }
    for (unsigned i = 0; i < count; i++) {
        slot_end(h, h->slots[i]);
    }
    return first_failure(h, requests, count, e);
}

#include "common/registryurl.h"

#include "common/slice.h"

enum { PORT_MAX = 65535, DATABASE_MAX = 1 << 20, PART_BYTES_MAX = 4096 };

static const char form[] = "REDIS_URL is not of the form "
                           "redis://user:password@host:port/database";

/* --- Parts --------------------------------------------------------------- */

/* Takes what stands before the first `mark` off `rest`; all of it when there
   is none (false). */
static bool cut(struct str *rest, char mark, struct str *ret_part)
{
    const char *at = rest->len > 0 ? memchr(rest->p, mark, rest->len) : NULL;

    if (!at) {
        *ret_part = *rest;
        *rest = (struct str){ rest->p + rest->len, 0 };
        return false;
    }
    *ret_part = (struct str){ rest->p, (size_t)(at - rest->p) };
    rest->len -= ret_part->len + 1;
    rest->p = at + 1;
    return true;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* NULL when an escape is bad, or means a NUL. */
static char *percent_decode(struct str s)
{
    char *text = xcalloc(s.len + 1, 1);
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (c == '%') {
            int high = i + 2 < s.len ? hex(s.p[i + 1]) : -1;
            int low = i + 2 < s.len ? hex(s.p[i + 2]) : -1;

            if (high < 0 || low < 0 || high + low == 0) {
                xfree(text);
                return NULL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        text[len++] = c;
    }
    return text;
}

static bool number(struct str s, int max, int *ret)
{
    int64_t n;

    if (s.len == 0 || s.p[0] == '-' || !slice_i64(s, &n) || n > max) {
        return false;
    }
    *ret = (int)n;
    return true;
}

/* "host", "host:port", "[v6]", "[v6]:port"; an empty port is none. */
static bool host_cut(struct str s, struct str *ret_host, struct str *ret_port)
{
    const char *close;

    if (s.len == 0 || s.p[0] != '[') {
        (void)cut(&s, ':', ret_host);
        *ret_port = s;
        return !memchr(s.p, ':', s.len);
    }
    close = memchr(s.p, ']', s.len);
    if (!close) {
        return false;
    }
    *ret_host = (struct str){ s.p + 1, (size_t)(close - s.p - 1) };
    *ret_port = (struct str){ close + 1, s.len - ret_host->len - 2 };
    if (ret_port->len == 0) {
        return true;
    }
    ret_port->p++;
    ret_port->len--;
    return close[1] == ':';
}

/* --- REDIS_URL ----------------------------------------------------------- */

/* "user:password", ":password" */
static bool user_read(struct registryurl *u, struct str s)
{
    struct str user;

    if (!cut(&s, ':', &user)) {
        return false; /* a user alone logs in nowhere */
    }
    if (user.len > 0) {
        u->user = percent_decode(user);
    }
    u->password = percent_decode(s);
    return u->password && (u->user || user.len == 0);
}

static bool place_read(struct registryurl *u, struct str s)
{
    struct str host, port;

    if (!host_cut(s, &host, &port) || host.len == 0 ||
        host.len > PART_BYTES_MAX) {
        return false;
    }
    u->host = xstrndup(host.p, host.len);
    u->port = REGISTRYURL_PORT;
    return port.len == 0 || (number(port, PORT_MAX, &u->port) && u->port > 0);
}

/* The part behind "redis://". */
static bool rest_read(struct registryurl *u, struct str s)
{
    struct str part, query, user;
    const char *at;

    (void)cut(&s, '?', &query);
    s = query;
    (void)cut(&s, '/', &part); /* s is the database now */
    if (s.len > 0 && !number(s, DATABASE_MAX, &u->database)) {
        return false;
    }
    at = part.len > 0 ? memrchr(part.p, '@', part.len) : NULL;
    if (at) {
        user = (struct str){ part.p, (size_t)(at - part.p) };
        part = (struct str){ at + 1, part.len - user.len - 1 };
        if (!user_read(u, user)) {
            return false;
        }
    }
    return place_read(u, part);
}

int registryurl_parse(struct registryurl *ret_url, const char *text,
                      struct err *e)
{
    static const char scheme[] = "redis://", tls[] = "rediss://";
    struct registryurl u = { 0 };

    if (strncmp(text, tls, sizeof(tls) - 1) == 0) {
        return err_set(e, ERR_CONFIG,
                       "REDIS_URL asks for TLS (rediss://), which the "
                       "registry does not speak: use redis:// on a trusted "
                       "network or through a TLS proxy, or an empty REDIS_URL "
                       "to do without the registry");
    }
    if (strncmp(text, scheme, sizeof(scheme) - 1) != 0 ||
        !rest_read(&u, str_of(text + sizeof(scheme) - 1))) {
        registryurl_fini(&u);
        return err_set(e, ERR_CONFIG, "%s", form);
    }
    *ret_url = u;
    return 0;
}

void registryurl_fini(struct registryurl *url)
{
    xfree(url->host);
    xfree(url->user);
    xfree(url->password);
    *url = (struct registryurl){ 0 };
}

/* --- Where we are -------------------------------------------------------- */

static struct str listen_host(const char *listen)
{
    struct str host = { NULL, 0 }, port;

    return host_cut(str_of(listen), &host, &port) ? host : (struct str){ 0 };
}

bool registryurl_is_wildcard(const char *listen)
{
    struct str host = listen_host(listen);

    return host.len == 0 || str_eq(host, STR("0.0.0.0")) ||
           str_eq(host, STR("::"));
}

void registryurl_advertise(struct buf *b, const char *advertise,
                           const char *listen, const char *address, int port)
{
    struct str host = str_of(address), given = { NULL, 0 };

    if (advertise && *advertise) {
        if (!host_cut(str_of(advertise), &host, &given)) {
            host = str_of(advertise); /* an IPv6 address without brackets */
            given.len = 0;
        }
    } else if (!registryurl_is_wildcard(listen)) {
        host = listen_host(listen);
    }
    buf_printf(b,
               memchr(host.p, ':', host.len) ? "http://[%.*s]" : "http://%.*s",
               STR_ARG(host));
    if (given.len > 0) {
        buf_printf(b, ":%.*s", STR_ARG(given));
    } else {
        buf_printf(b, ":%d", port);
    }
}

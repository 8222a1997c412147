#include "common/conftls.h"

#include <strings.h>

#include "common/confvalue.h"

/* --- Hosts --------------------------------------------------------------- */

/* Without the port: "h:1" "[::1]:2" "::1". */
static struct str host_cut(struct str address)
{
    const char *colon = memchr(address.p, ':', address.len);
    const char *close;

    if (address.len > 0 && address.p[0] == '[') {
        close = memchr(address.p, ']', address.len);
        if (close) {
            return (struct str){ address.p + 1,
                                 (size_t)(close - address.p) - 1 };
        }
    }
    if (colon && !memchr(colon + 1, ':',
                         address.len - (size_t)(colon + 1 - address.p))) {
        address.len = (size_t)(colon - address.p);
    }
    return address;
}

static bool ends_with(struct str s, struct str tail)
{
    return s.len >= tail.len &&
           strncasecmp(s.p + s.len - tail.len, tail.p, tail.len) == 0;
}

/* "127.1.2.3", and no name that only begins so. */
static bool is_loopback_ip(struct str host)
{
    if (host.len < 4 || strncmp(host.p, "127.", 4) != 0) {
        return false;
    }
    for (size_t i = 0; i < host.len; i++) {
        if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9')) {
            return false;
        }
    }
    return true;
}

static bool is_here(struct str address)
{
    struct str host = host_cut(address);

    return host.len == 0 || host.p[0] == '/' || host.p[0] == '@' ||
           (host.len > 2 && strncasecmp(host.p, "%2f", 3) == 0) ||
           (host.len == 9 && ends_with(host, STR("localhost"))) ||
           ends_with(host, STR(".localhost")) || is_loopback_ip(host) ||
           str_eq(host, STR("::1"));
}

/* Every one of a comma list. */
static bool are_here(struct str list)
{
    while (list.len > 0) {
        const char *comma = memchr(list.p, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.p) : list.len;

        if (!is_here((struct str){ list.p, len })) {
            return false;
        }
        len += comma != NULL;
        list.p += len;
        list.len -= len;
    }
    return true;
}

/* --- URLs ---------------------------------------------------------------- */

/* The value of a parameter in "a=1&b=2" or "a=1 b=2"; p NULL: not there. */
static struct str parameter(const char *text, const char *name)
{
    size_t len = strlen(name);
    struct str found = { NULL, 0 };

    for (const char *at = text; *at;) {
        size_t end = strcspn(at, "& ");

        if (end > len && strncmp(at, name, len) == 0 && at[len] == '=') {
            found = (struct str){ at + len + 1, end - len - 1 };
        }
        at += end + strspn(at + end, "& ");
    }
    return found;
}

/* What stands between "://" and the path, without user and password. */
static struct str authority(const char *url)
{
    const char *p = strstr(url, "://");
    struct str all = { p ? p + 3 : url, 0 };

    all.len = strcspn(all.p, "/?#");
    for (size_t i = all.len; i > 0; i--) {
        if (all.p[i - 1] == '@') {
            return (struct str){ all.p + i, all.len - i };
        }
    }
    return all;
}

static bool pg_is_encrypted(const char *parameters)
{
    static const char *const modes[] = { "require", "verify-ca",
                                         "verify-full" };
    struct str mode = parameter(parameters, "sslmode");

    if (str_eq(parameter(parameters, "ssl"), STR("true"))) {
        return true; /* as libpq reads it */
    }
    if (!mode.p) {
        mode = str_of(getenv("PGSSLMODE"));
    }
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        if (str_eq(mode, str_of(modes[i]))) {
            return true;
        }
    }
    return false;
}

static bool pg_is_clear(const char *text)
{
    const char *query = strstr(text, "://") ? strchr(text, '?') : text;
    struct str host, address;

    query = !query ? "" : *query == '?' ? query + 1 : query;
    host = parameter(query, "host");
    address = parameter(query, "hostaddr");
    if (!host.p && query != text) {
        host = authority(text);
    }
    return !(are_here(host) && are_here(address)) && !pg_is_encrypted(query);
}

static bool is_scheme(const char *text, const char *scheme)
{
    return strncasecmp(text, scheme, strlen(scheme)) == 0;
}

/* The remedy, or NULL when there is nothing to say. */
static const char *remedy(const struct conf_option *o, const char *text)
{
    if (strncmp(o->key, "kafka.", 6) == 0) {
        return are_here(str_of(text)) ? NULL
                                      : "Kafka over TLS is not supported yet; "
                                        "keep this network private";
    }
    if (strcmp(o->key, "source.url") == 0) {
        return pg_is_clear(text) ? "add sslmode=verify-full (or require)"
                                 : NULL;
    }
    if (is_scheme(text, "https://") || is_scheme(text, "rediss://") ||
        are_here(authority(text))) {
        return NULL;
    }
    return is_scheme(text, "redis://") ? "keep this network private"
                                       : "use https://";
}

bool conftls_clear(const struct conf_option *o, const char *text,
                   struct buf *why)
{
    const char *what = text && *text ? remedy(o, text) : NULL;

    if (what) {
        confvalue_redact(text, why);
        buf_printf(why, " is not encrypted: %s", what);
    }
    return what != NULL;
}

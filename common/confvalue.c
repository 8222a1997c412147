#include "common/confvalue.h"

#include <strings.h>

#include "common/slice.h"

const char *confvalue_shown(const char *text)
{
    return strstr(text, "://") || strcasestr(text, "password=") ? "(a URL)"
                                                                : text;
}

/* --- Reading ------------------------------------------------------------- */

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit ms_units[] = { { "ms", 1 },
                                        { "s", 1000 },
                                        { "m", 60 * 1000 },
                                        { "h", 3600 * 1000 },
                                        { NULL, 0 } };
static const struct unit byte_units[] = { { "B", 1 },
                                          { "KiB", 1 << 10 },
                                          { "MiB", 1 << 20 },
                                          { "GiB", 1 << 30 },
                                          { NULL, 0 } };

/* The largest unit that divides it. */
static void number_show(int n, const struct unit *units, struct buf *b)
{
    const struct unit *best = NULL;

    for (const struct unit *u = units; u && n > 0 && u->name; u++) {
        best = n % u->factor == 0 ? u : best;
    }
    if (best) {
        buf_printf(b, "%d%s", (int)(n / best->factor), best->name);
    } else {
        buf_printf(b, "%d", n);
    }
}

bool confvalue_has_range(const struct conf_option *o)
{
    return o->type == CONF_INT || o->type == CONF_MS || o->type == CONF_BYTES;
}

void confvalue_range(const struct conf_option *o, struct buf *b)
{
    const struct unit *units = o->type == CONF_MS      ? ms_units
                               : o->type == CONF_BYTES ? byte_units
                                                       : NULL;

    if (units || o->type == CONF_INT) {
        number_show(o->min, units, b);
        buf_lit(b, " to ");
        number_show(o->max, units, b);
    }
}

/* "30s" -> 30000; a bare number counts one. */
static bool number_read(const char *text, const struct unit *units,
                        int64_t *ret)
{
    size_t digits = strspn(text, "-0123456789");
    int64_t n;

    if (!slice_i64((struct str){ text, digits }, &n)) {
        return false;
    }
    if (text[digits] == '\0') {
        *ret = n;
        return true;
    }
    while (units && units->name && strcmp(units->name, text + digits) != 0) {
        units++;
    }
    return units && units->name &&
           !__builtin_mul_overflow(n, units->factor, ret);
}

static int number_store(const struct conf_option *o, const char *text, int *ret,
                        struct err *e)
{
    const char *shown = o->secret ? "..." : confvalue_shown(text);
    struct buf range;
    int64_t n;
    bool good;

    if (o->type == CONF_INT) {
        good = number_read(text, NULL, &n);
    } else {
        good =
            number_read(text, o->type == CONF_MS ? ms_units : byte_units, &n);
    }
    if (good && n >= o->min && n <= o->max) {
        *ret = (int)n;
        return 0;
    }
    buf_init(&range, 100);
    confvalue_range(o, &range);
    (void)err_set(e, ERR_CONFIG, "\"%s\" is not a %s from %s", shown,
                  o->type == CONF_INT  ? "whole number"
                  : o->type == CONF_MS ? "duration (500ms, 30s, 5m, 1h)"
                                       : "size (512KiB, 8MiB)",
                  buf_z(&range));
    buf_fini(&range);
    return -1;
}

static int bool_store(const struct conf_option *o, const char *text, bool *ret,
                      struct err *e)
{
    static const char *const words[] = { "false", "true", "0",   "1",
                                         "no",    "yes",  "off", "on" };

    for (unsigned i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *ret = i % 2 == 1;
            return 0;
        }
    }
    return err_set(e, ERR_CONFIG, "\"%s\" is not true or false",
                   o->secret ? "..." : confvalue_shown(text));
}

int confvalue_store(const struct conf_option *o, const char *text, void *cfg,
                    size_t offset, struct err *e)
{
    void *field = (char *)cfg + offset;

    switch (o->type) {
    case CONF_INT:
    case CONF_MS:
    case CONF_BYTES: return number_store(o, text, field, e);
    case CONF_BOOL: return bool_store(o, text, field, e);
    case CONF_CHOICE:
        if (!conf_listed(o->choices, text)) {
            return err_set(e, ERR_CONFIG, "\"%s\" is not one of: %s",
                           confvalue_shown(text), o->choices);
        }
        break;
    case CONF_STRING:
    case CONF_URL:
    case CONF_LIST: break;
    }
    xfree(*(char **)field);
    *(char **)field = xstrdup(text);
    return 0;
}

bool confvalue_is_text(const struct conf_option *o)
{
    return o->type == CONF_STRING || o->type == CONF_URL ||
           o->type == CONF_LIST || o->type == CONF_CHOICE;
}

/* --- Showing ------------------------------------------------------------- */

/* libpq's password, sslpassword, oauth_client_secret, scram_client_key. */
static bool is_secret(struct str name)
{
    static const char *const parts[] = { "pass", "secret", "_key" };

    for (size_t i = 0; i < name.len; i++) {
        for (size_t p = 0; p < COUNT_OF(parts); p++) {
            size_t len = strlen(parts[p]);

            if (i + len <= name.len &&
                strncasecmp(name.p + i, parts[p], len) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Parameters like sslpassword=... lose their values. */
static void query_redact(const char *query, struct buf *b)
{
    while (*query) {
        size_t len = strcspn(query, "&"), name = strcspn(query, "=&");
        bool secret = is_secret((struct str){ query, name });

        buf_add(b, query, secret ? name : len);
        if (secret && name < len) {
            buf_lit(b, "=***");
        }
        query += len;
        if (*query) {
            buf_char(b, *query++);
        }
    }
}

void confvalue_redact(const char *url, struct buf *b)
{
    const char *host = strstr(url, "://"), *at = strrchr(url, '@'), *query;
    size_t name;

    if (!host) { /* "host:port", or "host=h password=p" */
        if (at || strpbrk(url, "= ")) {
            buf_lit(b, "***");
        } else {
            buf_add(b, url, strlen(url));
        }
        return;
    }
    host += 3;
    buf_add(b, url, (size_t)(host - url));
    /* up to the last '@', whatever stands between: a password that somebody
       forgot to encode is a password, too */
    if (at && at > host) {
        name = strcspn(host, ":@?");
        buf_add(b, host, name);
        if (host[name] != '@') {
            buf_char(b, host[name]);
            buf_lit(b, "***");
        }
        host = at;
    }
    query = strchr(host, '?');
    if (query) {
        buf_add(b, host, (size_t)(query - host) + 1);
        query_redact(query + 1, b);
    } else {
        buf_add(b, host, strlen(host));
    }
}

void confvalue_show(const struct conf_option *o, const void *cfg, size_t offset,
                    struct buf *b)
{
    const void *field = (const char *)cfg + offset;
    const char *text = confvalue_is_text(o) ? *(char *const *)field : NULL;

    switch (o->type) {
    case CONF_INT: buf_printf(b, "%d", *(const int *)field); return;
    case CONF_MS: number_show(*(const int *)field, ms_units, b); return;
    case CONF_BYTES: number_show(*(const int *)field, byte_units, b); return;
    case CONF_BOOL:
        buf_printf(b, "%s", *(const bool *)field ? "true" : "false");
        return;
    case CONF_URL:
        if (text) {
            confvalue_redact(text, b);
        }
        return;
    case CONF_STRING:
    case CONF_LIST:
    case CONF_CHOICE: break;
    }
    if (text && *text && (o->secret || strcasestr(text, "password="))) {
        buf_lit(b, "***");
    } else if (text && strstr(text, "://")) {
        confvalue_redact(text, b); /* at a wrong place */
    } else if (text) {
        buf_add(b, text, strlen(text));
    }
}

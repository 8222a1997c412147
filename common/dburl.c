#include "common/dburl.h"

#include <stdbool.h>
#include <strings.h>

/* PQconndefaults of libpq 14 to 18, plus "ssl", which libpq's URL parser
   reads as JDBC does (ssl=true is sslmode=require). */
static const char *const known[] = {
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "options",
    "passfile",
    "password",
    "port",
    "replication",
    "require_auth",
    "requirepeer",
    "scram_client_key",
    "scram_server_key",
    "service",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslkeylogfile",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
};

static bool param_known(struct str param, struct str name)
{
    if (str_eq(name, STR("ssl"))) {
        return str_eq(param, STR("ssl=true"));
    }
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (str_eq(name, str_of(known[i]))) {
            return true;
        }
    }
    return false;
}

/* The bytes up to the first `stop` (all of them when there is none), taken
   off `rest` together with it. */
static struct str cut(struct str *rest, char stop)
{
    const char *at = memchr(rest->p, stop, rest->len);
    size_t len = at ? (size_t)(at - rest->p) : rest->len;
    struct str head = { rest->p, len };
    size_t skip = len + (at ? 1 : 0);

    rest->p += skip;
    rest->len -= skip;
    return head;
}

static bool has_prefix(struct str s, const char *prefix)
{
    size_t len = strlen(prefix);

    return s.len >= len && strncasecmp(s.p, prefix, len) == 0;
}

/* Where the query begins: the first '?' behind user and password. As in
   libpq, these end at an '@' that comes before any '/'. */
static size_t query_at(struct str url, size_t authority_at)
{
    size_t i = authority_at;
    const char *mark;

    while (i < url.len && url.p[i] != '@' && url.p[i] != '/') {
        i++;
    }
    if (i == url.len || url.p[i] != '@') {
        i = authority_at;
    }
    mark = memchr(url.p + i, '?', url.len - i);
    return mark ? (size_t)(mark - url.p) : url.len;
}

static void clean_query(struct str query, struct buf *ret_url,
                        struct buf *ret_dropped)
{
    char before = '?';

    while (query.len > 0) {
        struct str param = cut(&query, '&');
        struct str value = param;
        struct str name = cut(&value, '=');

        if (param.len == 0) {
            continue;
        }
        if (param_known(param, name)) {
            buf_char(ret_url, before);
            buf_str_add(ret_url, param);
            before = '&';
        } else if (ret_dropped) {
            if (ret_dropped->len > 0) {
                buf_lit(ret_dropped, ", ");
            }
            buf_str_add(ret_dropped, name);
        }
    }
}

/* "host=... dbname=...": a name and '=' come before any "://". */
static bool is_key_value(struct str url)
{
    const char *eq = memchr(url.p, '=', url.len);

    return eq && !memmem(url.p, (size_t)(eq - url.p), "://", 3);
}

int dburl_clean(struct str url, struct buf *ret_url, struct buf *ret_dropped,
                struct err *e)
{
    size_t authority, query;

    if (url.len == 0) {
        return err_set(e, ERR_CONFIG, "DATABASE_URL is empty");
    }
    if (has_prefix(url, "postgresql://")) {
        authority = strlen("postgresql://");
    } else if (has_prefix(url, "postgres://")) {
        authority = strlen("postgres://");
    } else if (is_key_value(url)) {
        buf_str_add(ret_url, url);
        return 0;
    } else {
        return err_set(e, ERR_CONFIG,
                       "DATABASE_URL must begin with postgresql:// (or be a "
                       "list of key=value)");
    }
    query = query_at(url, authority);
    buf_lit(ret_url, "postgresql://");
    buf_add(ret_url, url.p + authority, query - authority);
    if (query < url.len) {
        clean_query((struct str){ url.p + query + 1, url.len - query - 1 },
                    ret_url, ret_dropped);
    }
    return 0;
}

#include "monitor/registryread.h"

#include "common/slice.h"
#include "monitor/place.h"

enum { MEMBER_BYTES_MAX = 512 };

/* The text of a member; false when it is missing or no string. */
static bool member(struct str object, const char *name, struct buf *b)
{
    struct str value;

    buf_init(b, MEMBER_BYTES_MAX);
    return slice_find(object, str_of(name), &value) == SLICE_ITEM &&
           slice_string(value, b);
}

static bool url_read(struct str url, struct registryread *ret)
{
    const struct str scheme = STR("http://");
    struct str host, port;

    if (url.len <= scheme.len || memcmp(url.p, scheme.p, scheme.len) != 0) {
        return false;
    }
    url = (struct str){ url.p + scheme.len, url.len - scheme.len };
    if (!place_cut(url, &host, &port)) {
        return false;
    }
    memcpy(ret->host, host.p, host.len);
    ret->host[host.len] = '\0';
    memcpy(ret->port, port.p, port.len);
    ret->port[port.len] = '\0';
    return true;
}

bool registryread_worker(struct str text, struct registryread *ret)
{
    struct registryread worker = { .role = ROLE_PRODUCER };
    struct buf role, url;
    struct str started;
    bool good = false;
    int is = -1;

    if (member(text, "role", &role)) {
        is = place_role(buf_str(&role));
    }
    if (member(text, "url", &url) && is >= 0) {
        worker.role = (enum role)is;
        good = url_read(buf_str(&url), &worker);
    }
    if (slice_find(text, STR("startedUs"), &started) == SLICE_ITEM) {
        (void)slice_i64(started, &worker.started_us); /* stays 0 */
    }
    buf_fini(&role);
    buf_fini(&url);
    if (good) {
        *ret = worker;
    }
    return good;
}

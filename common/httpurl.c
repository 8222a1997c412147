#include "common/httpurl.h"

#include <curl/curl.h>

#include "common/buf.h"

enum { URL_BYTES_MAX = 64 * 1024 };

/* A part as a copy of ours; NULL when the URL has none. */
static char *part_get(CURLU *handle, CURLUPart part, unsigned flags)
{
    char *text = NULL, *copy = NULL;

    if (curl_url_get(handle, part, &text, flags) == CURLUE_OK && text) {
        copy = xstrdup(text);
        curl_free(text);
    }
    return copy;
}

static bool part_is(CURLU *handle, CURLUPart part, const char *want)
{
    char *text = part_get(handle, part, 0);
    bool is = text ? want && strcmp(text, want) == 0 : !want;

    xfree(text);
    return is;
}

static int text_parse(CURLU *handle, const char *text, bool bare, struct err *e)
{
    struct buf b;
    CURLUcode code = CURLUE_MALFORMED_INPUT;

    buf_init(&b, URL_BYTES_MAX);
    buf_printf(&b, "%s%s", bare ? "http://" : "", text);
    if (buf_ok(&b)) {
        code = curl_url_set(handle, CURLUPART_URL, buf_z(&b), 0);
    }
    buf_fini(&b);
    if (code == CURLUE_OK &&
        (part_is(handle, CURLUPART_SCHEME, "http") ||
         part_is(handle, CURLUPART_SCHEME, "https")) &&
        part_is(handle, CURLUPART_QUERY, NULL) &&
        part_is(handle, CURLUPART_FRAGMENT, NULL)) {
        return 0;
    }
    return err_set(e, ERR_CONFIG,
                   "URL is not of the form http(s)://host:port/path%s%s",
                   code == CURLUE_OK ? "" : ": ",
                   code == CURLUE_OK ? "" : curl_url_strerror(code));
}

int httpurl_parse(struct httpurl *ret_url, const char *text, int default_port,
                  struct err *e)
{
    bool bare = text && !strstr(text, "://");
    CURLU *handle;
    char *scheme, *host, *port, *path;
    struct buf b;
    size_t len;

    if (!text || !*text) {
        return err_set(e, ERR_CONFIG, "URL is empty");
    }
    handle = curl_url();
    CHECK(handle != NULL);
    if (text_parse(handle, text, bare, e) < 0) {
        curl_url_cleanup(handle);
        return -1;
    }
    scheme = part_get(handle, CURLUPART_SCHEME, 0);
    host = part_get(handle, CURLUPART_HOST, 0);
    port = part_get(handle, CURLUPART_PORT, 0);
    path = part_get(handle, CURLUPART_PATH, 0);
    buf_init(&b, 2 * URL_BYTES_MAX);
    buf_printf(&b, "%s://%s", scheme, host ? host : "");
    if (port) {
        buf_printf(&b, ":%s", port);
    } else if (bare && default_port > 0) {
        buf_printf(&b, ":%d", default_port);
    }
    ret_url->name = xstrdup(buf_z(&b));
    buf_printf(&b, "%s", path ? path : "");
    for (len = b.len; len > 0 && b.p[len - 1] == '/'; len--) {
    }
    ret_url->base = xstrndup(buf_z(&b), len);
    ret_url->user = part_get(handle, CURLUPART_USER, CURLU_URLDECODE);
    ret_url->password = part_get(handle, CURLUPART_PASSWORD, CURLU_URLDECODE);
    buf_fini(&b);
    xfree(scheme);
    xfree(host);
    xfree(port);
    xfree(path);
    curl_url_cleanup(handle);
    return 0;
}

void httpurl_fini(struct httpurl *url)
{
    xfree(url->name);
    xfree(url->base);
    xfree(url->user);
    xfree(url->password);
    *url = (struct httpurl){ 0 };
}

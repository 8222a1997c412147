#include "sink-es/cluster.h"

#include <cjson/cJSON.h>

enum {
    DEFAULT_PORT = 9200,
    MAJOR_MIN = 8,
    REPLY_MAX = 32 << 20, /* the mapping of 1,600 columns, _meta included */
    HEADER_MAX = 8 << 10,
};

int cluster_open(struct cluster *c, const struct cluster_conf *conf,
                 struct err *e)
{
    const char *headers[] = { NULL, NULL };
    struct http_conf http = { .url = conf->url,
                              .default_port = DEFAULT_PORT,
                              .headers = headers };
    struct buf key;
    int rc;

    *c = (struct cluster){ .once = conf->once };
    buf_init(&c->reply, REPLY_MAX);
    buf_init(&key, HEADER_MAX);
    if (conf->api_key && conf->api_key[0] != '\0') {
        buf_printf(&key, "Authorization: ApiKey %s", conf->api_key);
        headers[0] = buf_z(&key);
    }
    rc = buf_ok(&key)
             ? http_open(&c->http, &http, e)
             : err_set(e, ERR_CONFIG, "ELASTICSEARCH_API_KEY is too long");
    buf_fini(&key);
    return rc;
}

void cluster_close(struct cluster *c)
{
    if (c) {
        http_close(c->http);
        buf_fini(&c->reply);
        *c = (struct cluster){ 0 };
    }
}

/* A text member of the "error" object in the last answer, or NULL. `ret_root`
   is the caller's to delete. */
static const char *error_text(const struct cluster *c, const char *name,
                              cJSON **ret_root)
{
    *ret_root = cJSON_ParseWithLength(buf_str(&c->reply).p, c->reply.len);
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(*ret_root, "error"), name));
}

int cluster_error(const struct cluster *c, enum err_kind kind, struct err *e)
{
    cJSON *type_root, *reason_root;
    const char *type = error_text(c, "type", &type_root);
    const char *reason = error_text(c, "reason", &reason_root);

    if (type) {
        (void)err_set(e, kind, "%s: %s", type, reason ? reason : "");
    } else {
        (void)err_set(e, kind, "the answer is not Elasticsearch's: %.*s",
                      (int)(c->reply.len < 200 ? c->reply.len : 200),
                      buf_str(&c->reply).p);
    }
    cJSON_Delete(reason_root);
    cJSON_Delete(type_root);
    return -1;
}

bool cluster_error_is(const struct cluster *c, const char *type)
{
    cJSON *root;
    const char *found = error_text(c, "type", &root);
    bool is = found && strcmp(found, type) == 0;

    cJSON_Delete(root);
    return is;
}

/* The kind of error that an answer is. */
static enum err_kind kind_of(const struct cluster *c, int status)
{
    if (status == 401 || status == 403) {
        return c->once ? ERR_PERMISSION : ERR_RETRY;
    }
    return ERR_RETRY;
}

int cluster_ask(struct cluster *c, const char *method, const char *path,
                struct str body, int *ret_status, struct err *e)
{
    struct http_request req = {
        .method = method, .path = path, .body = body, .reply = c->reply
    };
    int rc;

    req.content_type = body.len > 0 ? "application/json" : NULL;
    buf_reset(&req.reply);
    rc = http_run(c->http, &req, 1, e);
    c->reply = req.reply;
    if (rc < 0) {
        return err_set(e, c->once ? ERR_UNREACHABLE : ERR_RETRY,
                       "Elasticsearch at %s: %s", http_name(c->http), req.why);
    }
    if (req.status != 200 && req.status != 400 && req.status != 404) {
        (void)cluster_error(c, kind_of(c, req.status), e);
        return err_wrap(e, "Elasticsearch at %s: HTTP %d", http_name(c->http),
                        req.status);
    }
    *ret_status = req.status;
    return 0;
}

static int version_check(struct cluster *c, const cJSON *version, struct err *e)
{
    const char *number = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(version, "number"));
    int major;

    if (!number || sscanf(number, "%4d.", &major) != 1) {
        return err_set(e, ERR_RETRY,
                       "Elasticsearch at %s: the answer tells no version",
                       http_name(c->http));
    }
    if (cJSON_GetObjectItemCaseSensitive(version, "distribution") ||
        major < MAJOR_MIN) {
        return err_set(e, ERR_CONFIG,
                       "%s is version %s%s: Elasticsearch %d or newer is "
                       "needed",
                       http_name(c->http), number,
                       cJSON_GetObjectItemCaseSensitive(version, "distribution")
                           ? " of another product"
                           : "",
                       MAJOR_MIN);
    }
    c->known = true;
    return 0;
}

int cluster_check(struct cluster *c, struct err *e)
{
    cJSON *root;
    int status, rc;

    if (c->known) {
        return 0;
    }
    if (cluster_ask(c, "GET", "/", (struct str){ 0 }, &status, e) < 0) {
        return -1;
    }
    root = cJSON_ParseWithLength(buf_str(&c->reply).p, c->reply.len);
    rc = version_check(c, cJSON_GetObjectItemCaseSensitive(root, "version"), e);
    cJSON_Delete(root);
    return rc;
}

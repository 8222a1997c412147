#include "monitor/probe_es.h"

#include <cjson/cJSON.h>

enum {
    REPLY_BYTES_MAX = 64 * 1024,
    KEY_BYTES_MAX = 16 * 1024,
    WORD_BYTES = 40,
};

int probe_es_open(struct probe_es *p, const char *url, const char *api_key,
                  struct err *e)
{
    const char *headers[] = { NULL, NULL };
    struct http_conf conf = { .url = url,
                              .default_port = 9200,
                              .headers = headers };
    struct buf key;
    int rc;

    *p = (struct probe_es){ 0 };
    buf_init(&key, KEY_BYTES_MAX);
    if (api_key && api_key[0]) {
        buf_printf(&key, "Authorization: ApiKey %s", api_key);
        headers[0] = buf_z(&key);
    }
    rc = buf_ok(&key) ? http_open(&p->http, &conf, e)
                      : err_set(e, ERR_CONFIG, "the API key is too long");
    buf_fini(&key);
    return rc < 0 ? err_wrap(e, "Elasticsearch") : 0;
}

void probe_es_close(struct probe_es *p)
{
    http_close(p->http);
    p->http = NULL;
}

/* A string member of the answer, or of the object `inside` in it; "" when it
   is not there. Control data: cJSON may read it. */
static void member(const struct http_request *rq, const char *inside,
                   const char *name, char ret[WORD_BYTES])
{
    cJSON *root = cJSON_ParseWithLength(buf_str(&rq->reply).p, rq->reply.len);
    const cJSON *at = inside ? cJSON_GetObjectItem(root, inside) : root;
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(at, name));

    (void)snprintf(ret, WORD_BYTES, "%s", text ? text : "");
    cJSON_Delete(root);
}

int probe_es_judge(const struct http_request *root,
                   const struct http_request *health, char ret_what[100],
                   struct err *e)
{
    char version[WORD_BYTES], colour[WORD_BYTES] = "";

    if (root->status == 0) {
        return err_set(e, ERR_UNREACHABLE, "%s", root->why);
    }
    if (root->status == 401 || root->status == 403) {
        return err_set(e, ERR_PERMISSION, "access refused (HTTP %d)",
                       root->status);
    }
    if (root->status != 200) {
        return err_set(e, ERR_UNREACHABLE, "HTTP %d", root->status);
    }
    member(root, "version", "number", version);
    if (version[0] == '\0') {
        return err_set(e, ERR_UNREACHABLE,
                       "the answer is not "
                       "Elasticsearch's");
    }
    if (health->status == 0) {
        return err_set(e, ERR_UNREACHABLE, "cluster health: %s", health->why);
    }
    if (health->status == 200) {
        member(health, NULL, "status", colour);
    } else if (health->status != 403) {
        return err_set(e, ERR_UNREACHABLE, "cluster health: HTTP %d",
                       health->status);
    }
    if (strcmp(colour, "red") == 0) {
        return err_set(e, ERR_UNREACHABLE, "the cluster's status is red");
    }
    (void)snprintf(ret_what, 100, "Elasticsearch %s%s%s", version,
                   colour[0] ? ", " : "", colour);
    return 0;
}

int probe_es_check(struct probe_es *p, char ret_what[100], struct err *e)
{
    struct http_request rq[2] = {
        { .method = "GET", .path = "/", .deadline_ms = PROBE_ES_MS },
        { .method = "GET",
          .path = "/_cluster/health?filter_path=status",
          .deadline_ms = PROBE_ES_MS },
    };
    int rc;

    buf_init(&rq[0].reply, REPLY_BYTES_MAX);
    buf_init(&rq[1].reply, REPLY_BYTES_MAX);
    /* the judgement looks at each request's own result */
    (void)!http_run(p->http, rq, 2, NULL);
    rc = probe_es_judge(&rq[0], &rq[1], ret_what, e);
    buf_fini(&rq[0].reply);
    buf_fini(&rq[1].reply);
    return rc;
}

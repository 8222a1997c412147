#include "sink-es/es.h"

#include "common/httpurl.h"
#include "sink-es/cluster.h"
#include "sink-es/targets.h"
#include "sink-es/write.h"

struct es {
    struct cluster cluster;
    struct targets targets;
    struct writer writer;
};

const struct conf_bind es_conf_binds[] = {
    { "sinks.elasticsearch.url", offsetof(struct es_conf, url) },
    { "sinks.elasticsearch.api_key", offsetof(struct es_conf, api_key) },
    { "sinks.elasticsearch.shards", offsetof(struct es_conf, shards) },
    { "sinks.elasticsearch.replicas", offsetof(struct es_conf, replicas) },
    { 0 },
};

static int es_check(void *self, struct err *e)
{
    struct es *es = self;

    return cluster_check(&es->cluster, e);
}

static int es_prepare(void *self, const struct shape *first,
                      const struct shape *shape, bool passed, struct err *e)
{
    struct es *es = self;

    (void)first; /* the index itself tells whether the shape fits it */
    if (cluster_check(&es->cluster, e) < 0) {
        return -1;
    }
    return targets_prepare(&es->targets, &es->cluster, shape, passed, e);
}

static int es_write(void *self, struct batch *b, struct err *e)
{
    struct es *es = self;

    return writer_run(&es->writer, b, e);
}

const struct sink_ops es_ops = {
    .name = "es",
    .component = "sink-es",
    .variable = "ELASTICSEARCH_URL",
    .error_type = "es_write",
    .prepare = es_prepare,
    .write = es_write,
    .check = es_check,
    .writes = "cdc_elasticsearch_writes_total",
    .writes_label = "index",
    .writes_name = shape_alias,
};

int es_conf_check(const void *settings, struct err *e)
{
    const struct es_conf *conf = settings;
    struct httpurl url = { 0 };

    if (conf->shards == 0) {
        return err_set(e, ERR_CONFIG, "CDC_ES_SHARDS must not be 0");
    }
    if (httpurl_parse(&url, conf->url, 0, e) < 0) {
        return err_wrap(e, "ELASTICSEARCH_URL");
    }
    httpurl_fini(&url);
    return 0;
}

int es_open(void **ret_es, const void *settings, bool once, struct err *e)
{
    const struct es_conf *conf = settings;
    struct cluster_conf cluster = { .url = conf->url,
                                    .api_key = conf->api_key,
                                    .once = once };
    struct es *es;

    if (es_conf_check(conf, e) < 0) {
        return -1;
    }
    es = xcalloc(1, sizeof(*es));
    if (cluster_open(&es->cluster, &cluster, e) < 0) {
        es_close(es);
        return -1;
    }
    es->targets = (struct targets){ .pipeline = conf->sink.common.name,
                                    .shards = conf->shards,
                                    .replicas = conf->replicas };
    writer_init(&es->writer, &es->cluster, &es->targets);
    *ret_es = es;
    return 0;
}

void es_close(void *self)
{
    struct es *es = self;

    if (es) {
        writer_fini(&es->writer);
        targets_fini(&es->targets);
        cluster_close(&es->cluster);
        xfree(es);
    }
}

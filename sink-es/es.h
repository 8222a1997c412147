/*
 * es.h - the target Elasticsearch, as the sink's core sees it (sink_ops).
 *
 * One index per table behind an alias, a document per row, external versions
 * (bulk.h, mapping.h). An outage of any kind is retried for ever; only a
 * document that Elasticsearch refuses is rejected.
 *
 * A lost alias is an outage too: making a new, empty index in its place would
 * lose every row that was written before. It is waited for, with an alarm,
 * until somebody puts it back or starts the table anew.
 */
#pragma once

#include "common/sink.h"

struct es_conf {
    struct sink_conf sink; /* first: the core reads it there */
    char *url;
    char *api_key;
    int shards, replicas;
};

/* The options of es_conf behind those of the core. */
extern const struct conf_bind es_conf_binds[];

/* For conf_program.check: what is wrong is said without a connection. */
int es_conf_check(const void *conf, struct err *e) MUST_CHECK;

extern const struct sink_ops es_ops;

/* See sinkmain.h; `conf` is a struct es_conf. Connects lazily. */
int es_open(void **ret_es, const void *conf, bool once,
            struct err *e) MUST_CHECK;

/* Accepts NULL. */
void es_close(void *es);

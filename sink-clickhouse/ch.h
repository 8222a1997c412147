/*
 * ch.h - the target ClickHouse, as the sink's core sees it (sink_ops).
 *
 * One table per source table, a row per event, versions compared by
 * ReplacingMergeTree; a view shows the current rows (ddl.h). An outage of
 * any kind is retried for ever; only a row that its table cannot hold is
 * rejected.
 */
#pragma once

#include "common/sink.h"

struct ch_conf {
    struct sink_conf sink; /* first: the core reads it there */
    char *host;
    char *database;
    char *user;
    char *password;
};

/* The options of ch_conf behind those of the core. */
extern const struct conf_bind ch_conf_binds[];

/* For conf_program.check: what is wrong is said without a connection. */
int ch_conf_check(const void *conf, struct err *e) MUST_CHECK;

extern const struct sink_ops ch_ops;

/* See sinkmain.h; `conf` is a struct ch_conf. Connects lazily. */
int ch_open(void **ret_ch, const void *conf, bool once,
            struct err *e) MUST_CHECK;

/* Accepts NULL. */
void ch_close(void *ch);

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

struct ch; /* opaque */

struct ch_conf {
    struct sink_conf sink; /* first: the core reads it there */
    char *host;
    char *database;
    char *user;
    char *password;
};

/* The options of ch_conf behind those of the core. */
extern const struct conf_row ch_conf_rows[];

extern const struct sink_ops ch_ops;

/* Connects lazily; borrows `conf`. With `once` (the command `check`) an
   unreachable or refusing server has error kinds of its own. */
int ch_open(struct ch **ret_ch, const struct ch_conf *conf, bool once,
            struct err *e) MUST_CHECK;

/* Accepts NULL. */
void ch_close(struct ch *ch);

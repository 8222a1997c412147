/*
 * metrics.h - counters, gauges and histograms in Prometheus' text format.
 *
 * A family (name, help, kind, label names) is declared once at start; a
 * series of it is found or made by label values, and its pointer is kept by
 * the caller: updates on the hot path are one atomic add, without a lookup.
 * Values are doubles updated with relaxed atomics; any thread may update and
 * render. Families and series live as long as the process (the one global
 * registry the house style allows).
 *
 * Names, labels, HELP and buckets: DESIGN 8 and ecosystem.md 3.
 */
#pragma once

#include "common/buf.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum { METRIC_LABELS_MAX = 4 };

struct metric_family; /* opaque */
struct metric;        /* opaque: one series */

/* Declares a family; the texts are borrowed for ever. `labels` is a comma
   list without spaces ("table,operation"), "" for none. Declaring the same
   name again returns the first. Histograms take the contract's buckets:
   0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2 2.5 5 10 30 60 300. */
struct metric_family *metric_family(enum metric_kind kind, const char *name,
                                    const char *labels, const char *help);

/* The same for a histogram of counts: 1 2 5 10 20 50 ... 50000. */
struct metric_family *metric_family_counts(const char *name, const char *labels,
                                           const char *help);

/* The series with these label values (as many as the family has labels, in
   their order; copied), made with value 0 when new. */
struct metric *metric_get(struct metric_family *f, const char *const *values);

void metric_add(struct metric *m, double delta); /* counter, gauge */
void metric_set(struct metric *m, double value); /* gauge */
/* A counter that somebody else counts: its total so far. */
void metric_total(struct metric *m, double total);
void metric_observe(struct metric *m, double value); /* histogram */
/* `count` observations of the same value, as one update. */
void metric_observe_n(struct metric *m, double value, uint64_t count);
double metric_value(const struct metric *m); /* counter, gauge */

/* A time that only grows, and that is not shown before it is known: a gauge
   without labels. One thread sets it. */
struct metric_time {
    struct metric_family *family;
    struct metric *series; /* NULL: not known yet */
};
struct metric_time metric_time(const char *name, const char *help);
void metric_time_raise(struct metric_time *t, int64_t wall_us);

/* Over all series of a family of counters or gauges; 0 when there is no such
   family, or it has none. */
double metrics_sum(const char *name);
double metrics_max(const char *name);

/* Appends all families: HELP, TYPE, series; process_* and
   cdc_log_messages_total included. `extra_label` ("component=\"producer\"",
   or NULL) is put into every series that has no such label of its own. */
void metrics_write(struct buf *b, const char *extra_label);

/* Declares cdc_build_info{version,revision,component} and the process_* set. */
void metrics_init(const char *component);

/* `component="producer"`, for metrics_write; NULL before metrics_init. The
   built-in /metrics of server.h puts it into every series. */
const char *metrics_component(void);

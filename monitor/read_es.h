/*
 * read_es.h - Elasticsearch's side of a comparison: all documents behind an
 * alias, with their versions.
 *
 * A point in time, pages by search_after in index order, `_source` as the
 * bytes it holds (no filter_path, no cJSON: both would make doubles of
 * numbers). Pages shrink and grow with the documents, so that one holds some
 * READ_ES_PAGE_BYTES. An answer that lacks a shard is an error, never a
 * result.
 *
 * A document under another _id than its key's is read as a stray one. (An
 * _id that is a hash is not computed again.)
 *
 * One thread at a time; errors and waits as reader.h says.
 */
#pragma once

#include "monitor/probe_es.h"
#include "monitor/reader.h"

enum {
    READ_ES_PAGE_BYTES = 4 << 20,
    READ_ES_PAGE_ROWS_MAX = 10000, /* index.max_result_window */
};

struct read_es {
    struct probe_es server;
    struct buf reply;
};

/* As probe_es_open. */
int read_es_open(struct read_es *p, const char *url, const char *api_key,
                 struct err *e) MUST_CHECK;

/* Accepts a zeroed one. */
void read_es_close(struct read_es *p);

/* Makes all acknowledged writes visible. `ret_exists`: is there such an
   alias or index? */
int read_es_refresh(struct read_es *p, const char *alias, bool *ret_exists,
                    struct err *e) MUST_CHECK;

/* All documents; the alias exists. */
int read_es_rows(struct read_es *p, const char *alias, const struct reader *to,
                 struct err *e) MUST_CHECK;

int read_es_count(struct read_es *p, const char *alias, uint64_t *ret_rows,
                  struct err *e) MUST_CHECK;

/* The page alone (tests/unit): calls the reader for each document, tells how
   many there were, and the raw sort values of the last one and the raw id of
   the point in time, both borrowed from `answer`. */
struct read_es_page {
    unsigned count;
    struct str sort, pit;
};

int read_es_page(struct str answer, const struct reader *to,
                 struct read_es_page *ret_page, struct err *e) MUST_CHECK;

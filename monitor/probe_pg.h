/*
 * probe_pg.h - looks at PostgreSQL: does it answer, how is the slot, what
 * waits in the WAL.
 *
 * One connection is kept and asked read-only; it is opened again after an
 * error. A look, connecting included, has a deadline of PROBE_PG_MS, also when
 * the server hangs; a stop (stop.h) ends it at once. Only the resolution of
 * the host's name is out of our hands.
 *
 * One thread at a time.
 */
#pragma once

#include <libpq-fe.h>

#include "common/buf.h"
#include "common/err.h"
#include "monitor/backlog.h"
#include "monitor/facts.h"

enum { PROBE_PG_MS = 4000 };

struct probe_pg {
    char *url; /* as libpq takes it */
    char *slot, *publication, *publication_append;
    PGconn *conn;
    int64_t deadline_ms; /* of the look under way */
    struct backlog backlog;
};

/* `url` is DATABASE_URL, `name` the pipeline's. Connects to nothing yet.
   Appends to `ret_dropped` which parameters of the URL were left out (may be
   NULL). ERR_CONFIG for a URL that libpq cannot read. */
int probe_pg_open(struct probe_pg *p, const char *url, const char *name,
                  struct buf *ret_dropped, struct err *e) MUST_CHECK;

/* One look. Fills the slot's facts, and `ret_what` with the version.
   ERR_UNREACHABLE or ERR_PERMISSION when the server cannot be used as a
   source (a standby is none). */
int probe_pg_check(struct probe_pg *p, struct fact_slot *ret_slot,
                   char ret_what[100], struct err *e) MUST_CHECK;

/* The name of the slot and the publication: `name` with '-' as '_'. Gives. */
char *probe_pg_slot_name(const char *name);

/* Accepts a zeroed one. */
void probe_pg_close(struct probe_pg *p);

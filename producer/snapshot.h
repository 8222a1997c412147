/*
 * snapshot.h - which transactions a snapshot of the server sees.
 *
 * PURE. Reads pg_current_snapshot() and answers for the 32-bit xids that
 * pgoutput's Begin messages carry; subtransactions never appear in either.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

/* More running transactions than any server has connections and prepared
   transactions for. */
enum { SNAPSHOT_RUNNING_MAX = 1 << 20 };

/* 64-bit xids. All below xmin have ended, none from xmax on had begun. */
struct snapshot {
    uint64_t xmin, xmax;
    uint64_t *running; /* ascending: xip_list */
    unsigned running_count;
};

/* Parses PostgreSQL's text form "xmin:xmax:xid,xid,…". ERR_FATAL when it is
   none. `ret_snapshot` is the caller's to snapshot_fini. */
int snapshot_read(struct str text, struct snapshot *ret_snapshot,
                  struct err *e) MUST_CHECK;

/* Accepts NULL and zeroed snapshots. */
void snapshot_fini(struct snapshot *s);

/* Is the transaction with this 32-bit xid (of a Begin message, so it was
   committed) visible? The xid is extended to 64 bits by taking the one
   nearest to the snapshot's xmax. */
bool snapshot_sees(const struct snapshot *s, uint32_t xid);

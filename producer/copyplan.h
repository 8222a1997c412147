/*
 * copyplan.h - the SQL of a table's copy: its heaps, a chunk's snapshot, the
 * COPY of a range of blocks; and the reading of the answers.
 */
#pragma once

#include "producer/copy.h"

/* The heaps of a table: itself, or the leaves of a partitioned table, in
   order of oid. Gives *ret_parts; free with copyplan_free. */
int copyplan_read(PGconn *conn, uint32_t oid, struct copy_part **ret_parts,
                  unsigned *ret_count, struct err *e) MUST_CHECK;
void copyplan_free(struct copy_part *parts, unsigned count);

/* BEGIN, LOCK, then the snapshot: in this order, since a snapshot older than
   a rewrite would see an empty heap. */
void copyplan_begin_sql(struct buf *b, const struct copy_part *part);

struct copyplan_snapshot {
    struct snapshot snapshot;
    uint32_t filenode;
    uint64_t high_lsn; /* H */
    int64_t read_us;   /* clock of the server */
};

/* Reads the answer to copyplan_begin_sql. */
int copyplan_snapshot_read(const PGresult *res,
                           struct copyplan_snapshot *ret_snapshot,
                           struct err *e) MUST_CHECK;

/* COPY of the blocks [first, end) in the relation's column order; end 0 =
   to the end of the heap. */
void copyplan_copy_sql(struct buf *b, const struct relation *rel,
                       const struct copy_part *part, uint32_t first,
                       uint64_t end);

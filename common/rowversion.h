/*
 * rowversion.h - the version of a row event: commit order, then the order
 * inside the transaction (DESIGN 3).
 *
 *   version = ((lsn_base + commit_lsn) >> 5) << 14 | seq         63 bits
 *
 * seq 0..16382 belongs to streamed events, 16383 to copied rows and to a
 * job's bound. A transaction that is sent again gets the same versions: seq
 * depends on the stream alone, the hash and the key bytes never change (the
 * test vector in tests/unit/test_rowversion.c holds them).
 *
 * Versions are per key and not unique: they never serve to skip, to resume
 * or to detect duplicates across keys.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

enum {
    ROWVERSION_SEQ_BITS = 14,
    ROWVERSION_SEQ_LAST = 16382,   /* the highest of a streamed event */
    ROWVERSION_SEQ_COPIED = 16383, /* copied rows, bounds */
    ROWVERSION_COUNTERS = 4096,
};

/* Does the sum leave the version 63 bits (below 2^54, 18 PB of WAL)? The
   producer asks once per transaction: an LSN comes from outside. */
bool rowversion_fits(uint64_t lsn_base, uint64_t commit_lsn);

/* Preconditions: rowversion_fits, seq <= ROWVERSION_SEQ_COPIED. */
uint64_t rowversion_make(uint64_t lsn_base, uint64_t commit_lsn, unsigned seq);

/* The counters of one transaction. Zero-initialise once. */
struct rowseq {
    uint32_t generation; /* of the running transaction */
    uint16_t floor;      /* raised by truncates */
    uint16_t given_max;  /* one past the highest number given */
    bool exhausted;      /* some event wanted a number past the last */
    struct {
        uint32_t generation;
        uint16_t next;
    } counter[ROWVERSION_COUNTERS];
};

/* A transaction begins: all counters are 0 again, in O(1). */
void rowseq_begin(struct rowseq *s);

/* The next number for the key of a table. `table` is "schema.table", `key`
   the key's JSON bytes. Past ROWVERSION_SEQ_LAST it stays there and sets
   `exhausted`. */
unsigned rowseq_next(struct rowseq *s, struct str table, struct str key);

/* The number of a truncate: one more than every number given so far; every
   later number of the transaction is above it. */
unsigned rowseq_truncate(struct rowseq *s);

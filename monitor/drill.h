/*
 * drill.h - looks into buckets that differ: which keys, and is it a
 * difference or just traffic?
 *
 * One check reads all sides once, behind a fence, and tells every row that
 * belongs to a wanted bucket (drill_see); drill_judge then holds the sides
 * against each other. The first check collects keys and keeps those that
 * differ; later checks look at these alone.
 *
 * A key that differs in one check may just have changed between two reads.
 * It is called a difference when it differs in two checks that follow each
 * other and neither side has moved in between: the same row of the source
 * (its xmin, or none) and the same version in the target (or none). In each
 * check the target has applied all that the snapshot of the source shows, so
 * a row of the source that is the same before and after the target was read
 * was what the target had to show. A key that goes on moving is `in motion`.
 *
 * PURE. Memory is bounded by `max` keys.
 */
#pragma once

#include "monitor/canonrow.h"

enum drill_kind { DRILL_MISSING, DRILL_EXTRA, DRILL_DIFFERENT, DRILL_KINDS };

enum drill_state { DRILL_FINE, DRILL_SUSPECT, DRILL_CONFIRMED };

/* One side's row in the running check. */
struct drill_seen {
    struct hash128 row;
    uint64_t version; /* of the target; the source's xmin */
    unsigned times;   /* 0: not there */
};

struct drill_key {
    struct hash128 key;
    uint32_t text_at, text_len;
    struct drill_seen now[CANON_SIDES];
    struct drill_target {
        enum drill_state state;
        enum drill_kind kind;
        uint64_t source_version, version; /* at the last check */
        unsigned source_times, times;
    } targets[CANON_SIDES]; /* that of CANON_PG is not used */
};

struct drill {
    struct drill_key *keys;
    unsigned count, cap, max;
    uint32_t *slots; /* 1 + index of a key; 0: free */
    unsigned slot_count;
    struct buf texts;
    bool closed; /* the first check is over: no new keys */
    bool full;   /* a key found no room */
};

void drill_init(struct drill *d, unsigned max);

/* Accepts a zeroed one. */
void drill_fini(struct drill *d);

/* A check begins: nothing seen. */
void drill_begin(struct drill *d);

/* Does this key matter in the running check? (In the first one all do.) */
bool drill_wants(const struct drill *d, struct hash128 key);

/* A row of the last canonrow_make. */
void drill_see(struct drill *d, const struct canonrow *r, uint64_t version);

/* The check is over. `targets[side]`: is it compared? */
void drill_judge(struct drill *d, const bool targets[CANON_SIDES]);

/* Keys in this state at a target; `kind` DRILL_KINDS means any. */
unsigned drill_count(const struct drill *d, enum canon_side target,
                     enum drill_state state, enum drill_kind kind);

/* Keys that are still suspect at any target. */
unsigned drill_open(const struct drill *d);

struct str drill_text(const struct drill *d, const struct drill_key *key);

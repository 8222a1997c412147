/*
 * offsets.h - which offset of each assigned partition may be committed.
 *
 * PURE. Per partition: the position after the last settled item such that it
 * and all before it are settled. Items are added in offset order and settle
 * in any order; a partition that is dropped (revoked, lost) forgets its
 * items. Offsets without an item (control records, compacted ones) are
 * skipped over by the next item's offset.
 *
 * Invariant: offsets_ready never moves backwards for one assignment.
 */
#pragma once

#include "common/buf.h"

struct offsets_part {
    int64_t *open; /* ring of unsettled offsets, ascending; settled ones are
                      marked by ~offset until the head passes */
    unsigned head, count, cap;
    int64_t ready;     /* next offset to commit; -1 = nothing settled yet */
    int64_t committed; /* what was handed out by offsets_take */
};

/* Nothing added, nothing settled. Allocates nothing. */
void offsets_init(struct offsets_part *p);

/* Releases the memory. Accepts NULL. */
void offsets_fini(struct offsets_part *p);

/* An item was taken from the partition. Precondition: offset is above every
   earlier one. */
void offsets_add(struct offsets_part *p, int64_t offset);

/* The item is settled. Precondition: it was added and is not settled. */
void offsets_settle(struct offsets_part *p, int64_t offset);

/* Items added and not settled. */
unsigned offsets_open(const struct offsets_part *p);

/* The offset to commit when it moved since the last call: true, and
   *ret_offset. */
bool offsets_take(struct offsets_part *p, int64_t *ret_offset);

/* What was taken last did not reach the broker: offsets_take hands it out
   again. */
void offsets_untake(struct offsets_part *p);

/* Forgets the unsettled items (the batch was dropped). `ready` stays. */
void offsets_drop(struct offsets_part *p);

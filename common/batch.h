/*
 * batch.h - fills and empties struct batch (sink.h), and looks at verdicts.
 *
 * The batch owns its messages: they are destroyed when their item leaves,
 * so memory is flat over any run. Item memory is kept between batches.
 *
 * PURE but for rd_kafka_message_destroy. Main thread only.
 */
#pragma once

#include "common/sink.h"

struct batch_limits {
    unsigned rows;
    size_t bytes;
};

/* What an attempt left behind. An item that the target did not judge counts
   as RETRY: nothing is known of it. */
struct batch_verdicts {
    unsigned done, retry;
    const struct item *first_retry;
    const struct item *first_bad; /* REJECT or STOP, the first in the batch */
};

/* An empty batch. Allocates nothing. */
void batch_init(struct batch *b);

/* Destroys the messages and releases the memory. Accepts NULL. */
void batch_fini(struct batch *b);

/* Room for one more item, not yet part of the batch; its contents are not
   defined. Valid until the next call. */
struct item *batch_next(struct batch *b);

/* Makes the item that batch_next gave part of the batch, PENDING, and takes
   its message. */
void batch_keep(struct batch *b);

bool batch_full(const struct batch *b, const struct batch_limits *limits);

struct batch_verdicts batch_judge(const struct batch *b);

/* Leaves a verdict on an item and why, cut to what fits. `why` may stand in
   the item itself. */
void item_judge(struct item *it, enum verdict verdict, const char *why);

/* Is it still to be written: PENDING or RETRY? */
bool item_is_open(const struct item *it);

/* Is it about one row, and not about the whole table? */
bool item_is_row(const struct item *it);

/* Removes the DONE items, keeping the order of the others. */
void batch_compact(struct batch *b);

/* Drops everything, settled or not. */
void batch_reset(struct batch *b);

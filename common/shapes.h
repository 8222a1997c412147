/*
 * shapes.h - fingerprint -> shape, kept current from the schema topic.
 *
 * Reads `<prefix>.schema` (one partition, compacted) in full at start and
 * goes on reading on demand. Several shapes of one table live side by side;
 * each stays valid until shapes_close, so items may point to it.
 *
 * Not thread-safe: main thread only.
 */
#pragma once

#include "common/kafka.h"
#include "common/shape.h"

enum { SHAPES_WAIT_MS = 30 * 1000 };

struct shapes; /* opaque */

/* Opens a reader of `topic` and reads it to its end. A topic that does not
   exist yet is empty. ERR_RETRY when the brokers do not answer. */
int shapes_open(struct shapes **ret_shapes, const char *brokers,
                const char *topic, struct err *e) MUST_CHECK;

/* The shape with this fingerprint for the table topic `topic`, or NULL when
   it is not known yet. No I/O. */
const struct shape *shapes_find(const struct shapes *s, struct str topic,
                                struct str fingerprint);

/* All shapes read so far, in the order of the topic. */
unsigned shapes_count(const struct shapes *s);
const struct shape *shapes_at(const struct shapes *s, unsigned i);

/* Takes in what has arrived, waiting up to `wait_ms` for something. An
   unreadable record is ERR_FATAL naming its offset. */
int shapes_poll(struct shapes *s, int wait_ms, struct err *e) MUST_CHECK;

/* Accepts NULL. */
void shapes_close(struct shapes *s);

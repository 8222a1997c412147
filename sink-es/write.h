/*
 * write.h - one attempt to write a batch: one _bulk request, and a verdict on
 * every item.
 *
 * Only the newest item of a key is sent (newest.h); the others take its
 * verdict once it is DONE, and are tried again when it is not.
 *
 * A request that is too large for the cluster or something before it (413) is
 * split, and the size is remembered.
 */
#pragma once

#include "sink-es/newest.h"
#include "sink-es/targets.h"

struct writer {
    struct cluster *cluster; /* borrowed, like the targets */
    struct targets *targets;
    struct newest newest;
    struct buf body, scratch, reply;
    size_t body_max;             /* what 413 has taught */
    struct bulk_action *actions; /* of the running request */
    unsigned action_cap;
};

void writer_init(struct writer *w, struct cluster *cluster,
                 struct targets *targets);

/* Accepts zeroed ones. */
void writer_fini(struct writer *w);

/* As sink_ops.write. */
int writer_run(struct writer *w, struct batch *b, struct err *e) MUST_CHECK;

/*
 * adopt.h - which tables are captured now: publication, topics, table set.
 *
 * Runs at start and every CDC_POLLING_INTERVAL: compares the catalog with
 * the selection and brings in what is new - topic first, then publication,
 * then the copy - so that no event of a table can come before its topic
 * exists (DESIGN 4.4). A table that this code puts into the publication is
 * always copied: its changes before that moment were not streamed. One whose
 * lock is taken waits for a later round and holds up no other.
 *
 * A table that cannot be captured is refused when it was named, and skipped
 * visibly, once, when a wildcard matched it. Each refusal names the SQL that
 * fixes it.
 *
 * Blocks for short catalog queries and for topic creation, under timeouts.
 */
#pragma once

#include "producer/publish.h"
#include "producer/selection.h"

struct adopt {
    /* borrowed */
    const struct selection *selection;
    const char *publication;
    const struct relation_place *place;
    struct tables *tables;
    struct publish *pub;
    int partitions; /* for new topics */
    int replication_factor;

    uint32_t *warned; /* oids that were skipped aloud */
    unsigned warned_count;
};

/* Makes the publication (empty) unless it exists; checks its operations and
   publish_via_partition_root. ERR_CONFIG with the SQL that fixes it. */
int adopt_publication(const struct adopt *a, PGconn *conn,
                      struct err *e) MUST_CHECK;

/* One round. `*ret_new` tells how many tables joined. At start pass
   `starting`: named tables must all exist, topics of known tables must be
   there with the partitions and end offsets that state remembers. */
int adopt_sync(struct adopt *a, PGconn *conn, bool starting, unsigned *ret_new,
               struct err *e) MUST_CHECK;

/* `check`: what adopt_sync would refuse, without changing anything. */
int adopt_check(struct adopt *a, PGconn *conn, struct err *e) MUST_CHECK;

void adopt_fini(struct adopt *a);

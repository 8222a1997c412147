/*
 * state.h - what the pipeline remembers between runs, in the compacted topic
 * <prefix>.state (DESIGN 3, 4.1).
 *
 *   {"state":"position"}                 -> slot, system id, timeline,
 *       confirmed LSN, lsn_base, profile, mode
 *   {"state":"table","table":"s.name"}   -> oid, topic, partitions, their end
 *       offsets, key columns, copy progress
 *
 * Order of writing: the tables, then the position that they belong to, all
 * to one partition; PostgreSQL is told a position only after its record was
 * acknowledged. So state is never behind the slot, and a table's ends are
 * never behind the position.
 *
 * LSNs are text ("16/B374D848"), other 64-bit numbers decimal text: cJSON's
 * doubles never touch them.
 */
#pragma once

#include "producer/publish.h"

struct state {
    char *topic; /* "<prefix>.state" */

    /* the position record */
    bool exists; /* a position was read or written */
    char slot[64];
    char system_id[32];
    uint32_t timeline;
    uint64_t confirmed_lsn; /* acknowledged: PostgreSQL may be told */
    uint64_t lsn_base;

    uint64_t written_lsn; /* of the record on its way */
    bool writing;         /* waits for acknowledgement */
    bool dirty;           /* must be written though the LSN stands still */
    int64_t wrote_ms;
    int64_t read_end; /* end offset of the topic when it was read last */
};

/* Zero-initialise first. Reads the topic (a missing one is empty), fills
   `tables` with the tables it names. ERR_FATAL for a record that cannot be
   understood, naming its key. */
int state_read(struct state *st, const char *brokers, const char *prefix,
               struct tables *tables, struct err *e) MUST_CHECK;

/* Did someone write state since state_read? (Another producer, before we
   owned the slot.) */
int state_moved(const struct state *st, rd_kafka_t *rk, bool *ret_moved,
                struct err *e) MUST_CHECK;

/* Sends the dirty tables' records and the position, unless one is still on
   its way. ERR_FATAL when publishing failed. Nothing is lost when the queue
   is full: the next call sends again. */
int state_write(struct state *st, struct publish *pub, struct tables *tables,
                uint64_t lsn, struct err *e) MUST_CHECK;

/* Takes in acknowledgements: moves confirmed_lsn when all records of the
   last write arrived. */
void state_settle(struct state *st, const struct publish *pub);

void state_fini(struct state *st);

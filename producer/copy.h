/*
 * copy.h - existing rows -> copied rows, while the stream goes on
 * (DESIGN 4.5; each rule there closes a way to lose rows).
 *
 *   WATERMARK  a transactional logical message was sent; wait until the
 *              stream brought it and state has confirmed it
 *   SETTLE     wait until every transaction that was running then has ended
 *   PLAN       columns, key, shape, heap parts and their sizes of one table
 *   ASK        between two streamed transactions: fix C, note what the
 *              snapshot must see, start to remember changed keys
 *   SNAPSHOT   BEGIN, LOCK, pg_current_snapshot, filenode, H
 *   FLUSH      wait until the server's flush position has reached H
 *   ROWS       COPY a range of blocks; publish row by row, dropping those
 *              whose key was changed by a transaction the snapshot misses
 *   DRAIN      wait for the acknowledgements, note the progress in state
 *   ...        next chunk: ASK; next table: PLAN
 *
 * One connection reads chunks, another asks the short questions; both are
 * asynchronous, so the loop and the stream never wait for them. A lost
 * connection, a rewritten table or an overflowing memory of changed keys
 * only makes a chunk, or a table, start again.
 *
 * Main thread only. copy_step must be called with no half-published stream
 * transaction between it and the window: that is, from the loop.
 */
#pragma once

#include "producer/capture.h"
#include "producer/question.h"
#include "producer/state.h"

enum { COPY_CHUNK_BLOCKS = 8192 }; /* 64 MiB of heap */

enum copy_phase {
    COPY_IDLE,
    COPY_WATERMARK,
    COPY_SETTLE,
    COPY_PLAN,
    COPY_ASK,
    COPY_SNAPSHOT,
    COPY_FLUSH,
    COPY_ROWS,
    COPY_DRAIN,
};

/* One heap of a table: itself, or a leaf of a partitioned table. */
struct copy_part {
    uint32_t oid, filenode;
    char *schema, *name;
    uint64_t blocks; /* at the time of the plan */
};

struct copy {
    /* borrowed */
    const char *url;
    const char *pipeline;
    const char *schema_topic;
    const struct relation_place *place;
    struct tables *tables;
    struct publish *pub;
    struct capture *cap;
    struct window *window;
    const struct state *state;

    enum copy_phase phase;
    struct question ask;   /* short questions */
    struct question chunk; /* BEGIN ... COPY ... COMMIT */
    int64_t wait_until_ms, say_ms, phase_ms;

    uint64_t nonce;         /* of the watermark awaited */
    uint64_t watermark_lsn; /* its end; 0 = not streamed yet */
    struct snapshot settle; /* running when the watermark was confirmed */
    bool settle_known;

    uint32_t *streamed; /* xids streamed since SETTLE and not yet known to be
                           visible to every new snapshot */
    unsigned streamed_count, streamed_cap;

    struct table *t; /* being copied */
    struct relation *rel;
    struct copy_part *parts;
    unsigned part_count, part;
    uint32_t chunk_blocks; /* size of the next chunk */
    uint64_t chunk_end;    /* first block behind the chunk; 0 = open-ended */

    unsigned must_see; /* the first so many of `streamed` */
    uint64_t c_lsn, high_lsn;
    int64_t read_us;
    struct snapshot snap;
    bool copying; /* COPY_OUT was seen */
    enum copy_ending {
        COPY_END_NONE,
        COPY_END_ROWS,  /* COPY's own end is awaited */
        COPY_END_COMMIT /* COMMIT's */
    } ending;
    char *line;        /* libpq's buffer of a row not yet published */
    struct record rec; /* made of it */
    struct buf key, after, value;
    struct pgo_tuple *row;
    uint64_t chunk_rows;
};

/* The caller filled the borrowed pointers. */
void copy_init(struct copy *c);
void copy_fini(struct copy *c);

/* The stream's connection was lost, or ended: gives up chunk and watermark.
   Progress that was acknowledged stays. */
void copy_reset(struct copy *c);

/* A transaction was streamed to its end (capture's done_* fields). */
void copy_committed(struct copy *c);

/* Does what can be done now without waiting; `*ret_moved` when something
   was. Only connection trouble is swallowed (and tried again later); what
   is returned ends the process. `quiet`: the stream is between two
   transactions and has nothing half-published. */
int copy_step(struct copy *c, bool quiet, bool *ret_moved,
              struct err *e) MUST_CHECK;

/* Is there anything to copy still? */
bool copy_active(const struct copy *c);

/* State should be confirmed soon, without waiting for its timer. */
bool copy_wants_confirm(const struct copy *c);

/* For copychunk.c: the next phase; the table from its watermark on again;
   the table is through. */
void copy_phase(struct copy *c, enum copy_phase phase);
void copy_restart(struct copy *c, const char *why);
void copy_table_done(struct copy *c);

/* Sockets to wait for; -1 = none. And the time to call again, in ms. */
void copy_sockets(const struct copy *c, int ret_fds[2]);
int copy_wait_ms(const struct copy *c);

/*
 * capture.h - what a message of the stream means: transactions, row events,
 * watermarks.
 *
 * PURE but for its inputs: one decoded message and the tables' relations in,
 * up to three records out (a changed key is delete + tombstone + create).
 * Key changes, unchanged TOAST, truncate and an event's number in its
 * transaction are decided here and nowhere else.
 *
 * The records and their bytes stay valid until the next capture_message.
 * Copied rows are made by copy.c with the same row.h and event.h.
 *
 * Not yet: truncate and an unchanged TOAST value without the old row stop
 * the process with their position; nothing is skipped.
 */
#pragma once

#include "common/rowversion.h"
#include "producer/heartbeat.h"
#include "producer/pgoutput.h"
#include "producer/publish.h"
#include "producer/repl.h"
#include "producer/window.h"

/* Prefix of our transactional logical messages; the content is
   "<pipeline name> <nonce>". */
#define CAPTURE_WATERMARK "cdc-watermark"

enum capture_result {
    CAPTURE_NOTHING,   /* a message without consequence */
    CAPTURE_RECORDS,   /* records[0..record_count) are to be published */
    CAPTURE_RELATION,  /* msg is a Relation message of a captured table */
    CAPTURE_HEARTBEAT, /* of ours, inside its transaction (heartbeat.h) */
    CAPTURE_COMMITTED, /* a transaction ended: between two of them now */
};

struct capture {
    struct tables *tables; /* borrowed, as all pointers here */
    struct ledger *ledger;
    struct window *window;
    const char *pipeline; /* name, to know our watermarks */
    uint64_t lsn_base;

    struct pgoutput pgo; /* the decoder's storage */
    struct pgo_msg msg;  /* decoded last */
    struct rowseq seq;

    /* the running transaction */
    uint64_t final_lsn, tx_seq;
    int64_t commit_us;
    uint32_t xid;
    uint64_t watermark; /* nonce of one in this transaction, 0 = none */

    /* the last transaction that ended */
    uint64_t done_final_lsn; /* C of the next copied row; 0 = none yet */
    uint64_t done_end_lsn;
    uint32_t done_xid;
    uint64_t done_watermark; /* nonce, or 0 */

    uint32_t ignored_oid;   /* last table that the log said is ignored */
    int64_t ignored_say_ms; /* when it may say so of another one */

    struct record records[3];
    unsigned record_count;
    char shape[17]; /* theirs: the table may lose its relation while they wait
                       for room in the queue */
    struct buf key, old_key, before, after, value, old_value;
};

/* Sets up the buffers; the caller filled the borrowed pointers. */
void capture_init(struct capture *c);
void capture_fini(struct capture *c);

/* Forgets a half-received transaction: it will come again. */
void capture_reset(struct capture *c);

/* Takes one message. Errors are ERR_FATAL naming table, LSN and reason: WAL
   is never skipped. */
int capture_message(struct capture *c, const struct repl_msg *m,
                    enum capture_result *ret_result, struct err *e) MUST_CHECK;

/*
 * ledger.h - which WAL position may be confirmed.
 *
 * PURE. A ring of transactions in commit order. Each slot counts events
 * handed to Kafka and not yet acknowledged. The confirmable position is the
 * end of the last transaction such that it and all before it are committed
 * and fully acknowledged. A keepalive is an empty transaction in the same
 * queue (DESIGN 4.2): it is confirmable only when all before it is.
 *
 * Invariants
 *   - slots are opened and closed in commit order; at most one is open, and
 *     it is the newest
 *   - confirmable never moves backwards between resets
 *   - no allocation after ledger_init
 *   - a slot is reused only when all its events were acknowledged
 *
 * Knows nothing of libpq or librdkafka. Main thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ledger_slot {
    uint64_t end_lsn;     /* 0 while open */
    uint32_t outstanding; /* sent, not acknowledged */
};

struct ledger {
    struct ledger_slot *slots;
    uint32_t slot_count; /* a power of two */
    uint64_t head, tail; /* running numbers: [head, tail) are in use */
    uint64_t confirmable;
    uint64_t outstanding; /* of all slots */
    bool open;            /* the newest slot is */
};

void ledger_init(struct ledger *l, uint32_t slot_count);
void ledger_fini(struct ledger *l);

/* Forgets everything: after a reconnect, when no report can come any more.
   `confirmed` is where the stream starts again. */
void ledger_reset(struct ledger *l, uint64_t confirmed);

/* No slot is free for another transaction: stop reading. */
bool ledger_full(const struct ledger *l);

/* A transaction is open (between Begin and Commit). */
bool ledger_in_transaction(const struct ledger *l);

/* Opens the slot of a new transaction. Precondition: !ledger_full, none
   open. */
void ledger_begin(struct ledger *l);

/* One more event of the open transaction goes to Kafka. Returns its token,
   never 0, for the delivery report. */
uintptr_t ledger_sent(struct ledger *l);

/* Closes the open transaction; `end_lsn` is what may be confirmed when it
   and all before it are acknowledged. */
void ledger_commit(struct ledger *l, uint64_t end_lsn);

/* The server has nothing for us up to `lsn`. Ignored inside a transaction;
   taken at once when the ring is empty; merged into the newest slot when all
   its events are acknowledged; dropped when the ring is full (another
   keepalive follows). */
void ledger_keepalive(struct ledger *l, uint64_t lsn);

/* An event was acknowledged. `token` is of ledger_sent. */
void ledger_acked(struct ledger *l, uintptr_t token);

/* The position that may be confirmed now. */
uint64_t ledger_confirmable(struct ledger *l);

/* Events sent and not yet acknowledged, of all transactions. */
uint64_t ledger_outstanding(const struct ledger *l);

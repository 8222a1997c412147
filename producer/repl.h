/*
 * repl.h - the replication connection: slot, START_REPLICATION, messages,
 * status updates. Knows no pgoutput.
 *
 * PostgreSQL's documentation, "Streaming Replication Protocol" and "Logical
 * Streaming Replication Parameters". Protocol 1 without `streaming` and
 * `two_phase`: the server spills large transactions and sends nothing before
 * commit (DESIGN 4.1).
 *
 * Guarantees
 *   - a status update is due at least every third of wal_sender_timeout, also
 *     while nothing is read (the caller asks repl_status_due)
 *   - silence longer than wal_sender_timeout (and 30 s) is an error
 *   - every libpq result is looked at
 *
 * Main thread only.
 */
#pragma once

#include "producer/pgconn.h"

enum repl_kind {
    REPL_NOTHING,   /* nothing there yet: wait for the socket */
    REPL_DATA,      /* one pgoutput message */
    REPL_KEEPALIVE, /* the server has nothing for us up to wal_end */
};

struct repl_msg {
    enum repl_kind kind;
    uint64_t lsn;       /* DATA: start of the record; 0 for R and Y */
    uint64_t wal_end;   /* KEEPALIVE */
    struct str payload; /* DATA: borrowed until the next repl_next */
    bool reply_requested;
};

struct repl {
    PGconn *conn;
    char *message;      /* libpq's buffer of the last message */
    char system_id[32]; /* IDENTIFY_SYSTEM */
    uint32_t timeline;
    uint64_t flush_lsn;  /* of the server, at connect */
    int64_t timeout_ms;  /* wal_sender_timeout; 0 = off */
    int64_t received_ms; /* clock of the last byte from the server */
    int64_t status_sent_ms;
    bool reply_requested;
    bool streaming;
    char skipped[256]; /* the server's warning that it leaves changes out */
};

/* Connects, identifies the server. Zero-initialise `r` first. */
int repl_open(struct repl *r, const char *url, struct err *e) MUST_CHECK;

/* Creates the logical slot; waits for the running transactions as long as
   it takes (stop-aware, says every 10 s that it waits). */
int repl_create_slot(struct repl *r, const char *slot,
                     struct err *e) MUST_CHECK;

/* Starts streaming at `lsn` (0 = where the slot stands). ERR_RETRY with a
   clear text while another session holds the slot. */
int repl_start(struct repl *r, const char *slot, const char *publication,
               uint64_t lsn, struct err *e) MUST_CHECK;

/* The next message without waiting. ERR_RETRY: the connection is gone;
   ERR_FATAL: the server says that the slot or publication cannot be used.
   `r` must not move while it is open. */
int repl_next(struct repl *r, struct repl_msg *ret_msg,
              struct err *e) MUST_CHECK;

/* Is a status update due (timer or the server's wish)? Also checks the
   silence limit: ERR_RETRY when the server has been silent too long. */
int repl_status_due(struct repl *r, bool *ret_due, struct err *e) MUST_CHECK;

/* Has the server closed the connection? Seen also behind data that was not
   read yet: from then on another producer may own the slot. */
bool repl_closed(const struct repl *r);

/* Tells the server that everything up to `confirmed_lsn` is durable with
   us. Never waits. */
int repl_status(struct repl *r, uint64_t confirmed_lsn,
                struct err *e) MUST_CHECK;

/* Orderly end of the stream: a last status, CopyDone, bounded wait. */
void repl_finish(struct repl *r, uint64_t confirmed_lsn);

/* Accepts zeroed and half-open ones. */
void repl_close(struct repl *r);

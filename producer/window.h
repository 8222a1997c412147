/*
 * window.h - the keys changed since a chunk's snapshot was asked for, and
 * the drop rule of the copy (DESIGN 4.5).
 *
 * PURE. A copied row is dropped when a change of its key was streamed since
 * the chunk was asked for, by a transaction that the chunk's snapshot does
 * not see. Keys are remembered exactly (their JSON bytes, with the table),
 * with the newest transaction that changed them: transactions that change
 * one key end one after the other, so a snapshot that sees the newest sees
 * the others too.
 *
 * Bounded: past WINDOW_BYTES_MAX, its table included, it remembers nothing
 * more and says so; the open chunk is then given up and read again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "producer/snapshot.h"

enum { WINDOW_BYTES_MAX = 8 << 20 };

struct window; /* opaque */

struct window *window_new(void);
void window_free(struct window *w);

/* Forgets everything and starts to remember. */
void window_open(struct window *w);

/* Stops remembering, keeps the memory for the next. */
void window_close(struct window *w);

/* A change of this key was streamed. No-op while closed. */
void window_note(struct window *w, uint32_t table_oid, struct str key,
                 uint32_t xid);

/* The bound was hit since window_open: nothing can be said any more, until it
   is opened again. */
bool window_overflowed(const struct window *w);

/* The drop rule. Precondition: open, and !window_overflowed(w). */
bool window_drops(const struct window *w, const struct snapshot *s,
                  uint32_t table_oid, struct str key);

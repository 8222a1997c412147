/*
 * copychunk.h - one chunk of a table's copy: ASK, SNAPSHOT, FLUSH, ROWS,
 * DRAIN of copy.h. Part of copy.c; the rules stand there.
 */
#pragma once

#include "producer/copy.h"

/* Each does what can be done without waiting and moves the phase on when its
   part is over. */
int copychunk_ask(struct copy *c, bool quiet, bool *ret_moved,
                  struct err *e) MUST_CHECK;
int copychunk_snapshot(struct copy *c, bool *ret_moved,
                       struct err *e) MUST_CHECK;
int copychunk_flush(struct copy *c, bool *ret_moved, struct err *e) MUST_CHECK;
int copychunk_rows(struct copy *c, bool *ret_moved, struct err *e) MUST_CHECK;
int copychunk_drain(struct copy *c, bool *ret_moved, struct err *e) MUST_CHECK;

/* Forgets the chunk that is open. */
void copychunk_forget(struct copy *c);

/*
 * fault.h - what an answer of ClickHouse means.
 *
 * An insert has succeeded only when the status is 200, the exception header
 * is absent and the body is empty: headers are sent first, so an exception
 * may arrive behind a 200 (reliability.md 4.5).
 *
 * The one table of error codes is in fault.c; it follows reliability.md
 * 4.13. What it does not list is retried in an insert: an outage is never a
 * reject, and a wait with an alarm loses nothing.
 *
 * Pure.
 */
#pragma once

#include "common/err.h"
#include "common/http.h"

enum fault {
    FAULT_NONE,
    FAULT_RETRY,   /* outage, overload, a table that is gone */
    FAULT_UNKNOWN, /* a code the table does not list */
    FAULT_DENIED,  /* credentials or privileges: retry, with an alarm */
    FAULT_SETTING, /* a setting of ours is unknown now: probe, then retry */
    FAULT_INPUT,   /* a row of this insert will never be accepted */
};

/* The meaning of an ended request (status 0: no answer, FAULT_RETRY).
   `expect_empty`: a body is a failure (inserts, DDL). */
enum fault fault_of(const struct http_request *req, bool expect_empty);

/* Did a successful insert of `rows` rows store them all, as far as its summary
   tells? Views attached to the table add to the count, and a proxy may drop
   the header: then yes. */
bool fault_all_stored(const struct http_request *req, uint64_t rows);

/* The error code of ClickHouse in the answer, 0 when there is none. */
int fault_code(const struct http_request *req);

/* Fills `e` with what the answer says, one line, cut; returns -1. May hold
   values of rows when the request was an insert. */
int fault_error(const struct http_request *req, enum err_kind kind,
                struct err *e);

/* The same in short and without any value of a row, always terminated:
   "HTTP 500, code 469 VIOLATED_CONSTRAINT". */
void fault_brief(const struct http_request *req, char *text, size_t size);

/*
 * question.h - one SQL request on a session of its own, asked and answered
 * without waiting.
 *
 * A request may hold several statements; the first result with rows is the
 * answer, the first failure the error. COPY data is not handled here.
 *
 * Main thread only.
 */
#pragma once

#include "producer/pgconn.h"

struct question {
    PGconn *conn;     /* NULL: closed */
    bool asked;       /* an answer is awaited */
    PGresult *answer; /* gathered so far */
};

/* Opens the session unless it is open. Waits for the connection. */
int question_open(struct question *q, const char *url,
                  struct err *e) MUST_CHECK;

/* Ends whatever is on its way, transaction and COPY included. */
void question_close(struct question *q);

/* Sends a request. Precondition: none is on its way. */
int question_ask(struct question *q, const char *sql, struct err *e) MUST_CHECK;

/* 1 when the request is over, with its rows in *ret_result (NULL when it had
   none), which the caller clears; 0 while it goes on; -1 when it failed. */
int question_answer(struct question *q, PGresult **ret_result,
                    struct err *e) MUST_CHECK;

/* The socket to wait for, -1 when nothing is awaited. */
int question_socket(const struct question *q);

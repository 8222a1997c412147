#include "producer/question.h"

int question_open(struct question *q, const char *url, struct err *e)
{
    return q->conn ? 0 : pgconn_open(&q->conn, url, PGCONN_SQL, e);
}

void question_close(struct question *q)
{
    PQclear(q->answer);
    pgconn_close(q->conn);
    *q = (struct question){ 0 };
}

int question_ask(struct question *q, const char *sql, struct err *e)
{
    CHECK(!q->asked);
    if (pgconn_send(q->conn, sql, e) < 0) {
        return -1;
    }
    q->asked = true;
    return 0;
}

/* Keeps the first result that is more than "done". */
static void keep(struct question *q, PGresult *res)
{
    if (q->answer == NULL && PQresultStatus(res) != PGRES_COMMAND_OK) {
        q->answer = res;
    } else {
        PQclear(res);
    }
}

int question_answer(struct question *q, PGresult **ret_result, struct err *e)
{
    PGresult *res = NULL;

    do {
        int got = pgconn_poll(q->conn, &res, e);

        if (got <= 0) {
            return got;
        }
        if (res != NULL) {
            keep(q, res);
        }
    } while (res != NULL);
    res = q->answer;
    q->answer = NULL;
    q->asked = false;
    if (res != NULL && PQresultStatus(res) != PGRES_TUPLES_OK) {
        (void)pgconn_result_err(e, res);
        PQclear(res);
        return -1;
    }
    *ret_result = res;
    return 1;
}

int question_socket(const struct question *q)
{
    return q->asked ? PQsocket(q->conn) : -1;
}

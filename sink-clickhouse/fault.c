#include "sink-clickhouse/fault.h"

#include "common/slice.h"

enum { TEXT_MAX = 600 };

struct fault_row {
    int code;
    enum fault fault;
};

/* Names: src/Common/ErrorCodes.cpp of ClickHouse. */
static const struct fault_row codes[] = {
    { 6, FAULT_INPUT },     /* CANNOT_PARSE_TEXT */
    { 16, FAULT_RETRY },    /* NO_SUCH_COLUMN_IN_TABLE: someone's ALTER */
    { 20, FAULT_INPUT },    /* NUMBER_OF_COLUMNS_DOESNT_MATCH */
    { 26, FAULT_INPUT },    /* CANNOT_PARSE_QUOTED_STRING */
    { 27, FAULT_INPUT },    /* CANNOT_PARSE_INPUT_ASSERTION_FAILED */
    { 32, FAULT_RETRY },    /* ATTEMPT_TO_READ_AFTER_EOF: a cut request */
    { 33, FAULT_RETRY },    /* CANNOT_READ_ALL_DATA: a cut request */
    { 38, FAULT_INPUT },    /* CANNOT_PARSE_DATE */
    { 41, FAULT_INPUT },    /* CANNOT_PARSE_DATETIME */
    { 53, FAULT_INPUT },    /* TYPE_MISMATCH */
    { 60, FAULT_RETRY },    /* UNKNOWN_TABLE: put it back; see ch.c */
    { 69, FAULT_INPUT },    /* ARGUMENT_OUT_OF_BOUND */
    { 70, FAULT_INPUT },    /* CANNOT_CONVERT_TYPE */
    { 72, FAULT_INPUT },    /* CANNOT_PARSE_NUMBER */
    { 81, FAULT_RETRY },    /* UNKNOWN_DATABASE */
    { 115, FAULT_SETTING }, /* UNKNOWN_SETTING */
    { 117, FAULT_INPUT },   /* INCORRECT_DATA */
    { 128, FAULT_INPUT },   /* TOO_LARGE_ARRAY_SIZE */
    { 131, FAULT_INPUT },   /* TOO_LARGE_STRING_SIZE */
    { 159, FAULT_RETRY },   /* TIMEOUT_EXCEEDED */
    { 164, FAULT_RETRY },   /* READONLY */
    { 173, FAULT_RETRY },   /* CANNOT_ALLOCATE_MEMORY */
    { 192, FAULT_DENIED },  /* UNKNOWN_USER */
    { 193, FAULT_DENIED },  /* WRONG_PASSWORD */
    { 194, FAULT_DENIED },  /* REQUIRED_PASSWORD */
    { 195, FAULT_DENIED },  /* IP_ADDRESS_NOT_ALLOWED */
    { 202, FAULT_RETRY },   /* TOO_MANY_SIMULTANEOUS_QUERIES */
    { 203, FAULT_RETRY },   /* NO_FREE_CONNECTION */
    { 209, FAULT_RETRY },   /* SOCKET_TIMEOUT */
    { 210, FAULT_RETRY },   /* NETWORK_ERROR */
    { 225, FAULT_RETRY },   /* NO_ZOOKEEPER */
    { 236, FAULT_RETRY },   /* ABORTED: the server shuts down */
    { 241, FAULT_RETRY },   /* MEMORY_LIMIT_EXCEEDED */
    { 242, FAULT_RETRY },   /* TABLE_IS_READ_ONLY */
    { 243, FAULT_RETRY },   /* NOT_ENOUGH_SPACE */
    { 252, FAULT_RETRY },   /* TOO_MANY_PARTS */
    { 279, FAULT_RETRY },   /* ALL_CONNECTION_TRIES_FAILED */
    { 285, FAULT_RETRY },   /* TOO_FEW_LIVE_REPLICAS */
    { 319, FAULT_RETRY },   /* UNKNOWN_STATUS_OF_INSERT */
    { 321, FAULT_INPUT },   /* VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE */
    { 349, FAULT_INPUT },   /* CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN */
    { 394, FAULT_RETRY },   /* QUERY_WAS_CANCELLED */
    { 407, FAULT_INPUT },   /* DECIMAL_OVERFLOW */
    { 425, FAULT_RETRY },   /* SYSTEM_ERROR */
    { 439, FAULT_RETRY },   /* CANNOT_SCHEDULE_TASK */
    { 469, FAULT_INPUT },   /* VIOLATED_CONSTRAINT */
    { 473, FAULT_RETRY },   /* DEADLOCK_AVOIDED */
    { 497, FAULT_DENIED },  /* ACCESS_DENIED */
    { 516, FAULT_DENIED },  /* AUTHENTICATION_FAILED */
    { 517, FAULT_RETRY },   /* CANNOT_ASSIGN_ALTER */
    { 999, FAULT_RETRY },   /* KEEPER_EXCEPTION */
    { 1000, FAULT_RETRY },  /* POCO_EXCEPTION: sockets */
};

/* The number behind "Code: ", where it stands last: an exception behind a
   started answer comes at its end. */
static int body_code(struct str body)
{
    static const char word[] = "Code: ";
    const size_t len = sizeof(word) - 1;
    int found = 0;

    for (size_t i = 0; i + len < body.len; i++) {
        int code = 0;

        if (memcmp(body.p + i, word, len) != 0) {
            continue;
        }
        for (size_t d = i + len; d < body.len && body.p[d] >= '0' &&
                                 body.p[d] <= '9' && code < 100000;
             d++) {
            code = code * 10 + (body.p[d] - '0');
        }
        found = code > 0 ? code : found;
    }
    return found;
}

int fault_code(const struct http_request *req)
{
    int code = 0;

    for (const char *p = req->exception_code;
         *p >= '0' && *p <= '9' && code < 100000; p++) {
        code = code * 10 + (*p - '0');
    }
    if (code == 0 && (req->status != 200 || req->reply.len > 0)) {
        code = body_code(buf_str(&req->reply));
    }
    return code;
}

enum fault fault_of(const struct http_request *req, bool expect_empty)
{
    int code;

    if (req->status == 200 && req->exception_code[0] == '\0' &&
        (!expect_empty || req->reply.len == 0)) {
        return FAULT_NONE;
    }
    if (req->status == 413) {
        return FAULT_INPUT; /* a proxy's limit: smaller inserts may pass */
    }
    code = fault_code(req);
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        if (codes[i].code == code) {
            return codes[i].fault;
        }
    }
    if (code > 0) {
        return FAULT_UNKNOWN;
    }
    return req->status == 401 || req->status == 403 ? FAULT_DENIED
                                                    : FAULT_RETRY;
}

bool fault_all_stored(const struct http_request *req, uint64_t rows)
{
    struct str text;
    uint64_t written;

    if (slice_find(str_of(req->summary), STR("written_rows"), &text) !=
            SLICE_ITEM ||
        text.len < 3) {
        return true;
    }
    text = (struct str){ text.p + 1, text.len - 2 }; /* "12" */
    return !slice_u64(text, &written) || written >= rows;
}

int fault_error(const struct http_request *req, enum err_kind kind,
                struct err *e)
{
    struct str body = buf_str(&req->reply);
    size_t len = body.len < TEXT_MAX ? body.len : TEXT_MAX;

    if (req->status == 0) {
        return err_set(e, kind, "%s", req->why);
    }
    return err_set(e, kind, "HTTP %d%s%s: %.*s", req->status,
                   req->exception_code[0] ? ", code " : "", req->exception_code,
                   (int)len, body.p);
}

/* The name of the error at the end of ClickHouse's text:
   "Code: 469. DB::Exception: ... (VIOLATED_CONSTRAINT) (version 26.7)". */
static struct str error_name(struct str body)
{
    struct str name = { "", 0 };

    for (size_t i = 0; i < body.len; i++) {
        size_t end = i + 1;

        if (body.p[i] != '(') {
            continue;
        }
        while (end < body.len && ((body.p[end] >= 'A' && body.p[end] <= 'Z') ||
                                  (body.p[end] >= '0' && body.p[end] <= '9') ||
                                  body.p[end] == '_')) {
            end++;
        }
        if (end < body.len && body.p[end] == ')' && end - i > 4 &&
            end - i < 80) {
            name = (struct str){ body.p + i + 1, end - i - 1 };
        }
    }
    return name;
}

void fault_brief(const struct http_request *req, char *text, size_t size)
{
    struct str name = error_name(buf_str(&req->reply));
    int code = fault_code(req);

    if (req->status == 0) {
        (void)snprintf(text, size, "%s", req->why);
    } else if (code == 0) {
        (void)snprintf(text, size, "HTTP %d", req->status);
    } else {
        (void)snprintf(text, size, "HTTP %d, code %d %.*s", req->status, code,
                       STR_ARG(name));
    }
}

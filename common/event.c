#include "common/event.h"

#include "common/decimal.h"
#include "common/json.h"

enum {
    TABLE_BYTES_MAX = 64 * 1024, /* names of at most 63 characters each */
    TOPIC_BYTES_MAX = 249,       /* Kafka's limit */
    /* Literals and numbers of an event without its rows and names: 400 bytes
       of text, 16 numbers of 20 digits; rounded up. */
    EVENT_FIXED_MAX = 1024,
};

void event_table_init(struct event_table *t, struct str name, struct str db,
                      struct str schema, struct str table)
{
    buf_init(&t->head, TABLE_BYTES_MAX);
    buf_init(&t->db, TABLE_BYTES_MAX);
    buf_init(&t->name, TABLE_BYTES_MAX);

    buf_lit(&t->head, "{\"version\":\"" CDC_VERSION
                      "\",\"connector\":\"postgresql\",\"name\":");
    json_string(&t->head, name);
    buf_lit(&t->head, ",\"ts_ms\":");

    buf_lit(&t->db, ",\"db\":");
    json_string(&t->db, db);
    buf_lit(&t->db, ",\"sequence\":");

    buf_lit(&t->name, ",\"schema\":");
    json_string(&t->name, schema);
    buf_lit(&t->name, ",\"table\":");
    json_string(&t->name, table);
    buf_lit(&t->name, ",\"txId\":");
}

void event_table_fini(struct event_table *t)
{
    if (t) {
        buf_fini(&t->head);
        buf_fini(&t->db);
        buf_fini(&t->name);
    }
}

/* A cursor in room that was reserved for all that comes: the appends below
   check nothing. */
struct pen {
    char *at;
};

static inline void pen_add(struct pen *pen, const char *p, size_t len)
{
    memcpy(pen->at, p, len);
    pen->at += len;
}

#define pen_lit(pen, lit) pen_add((pen), "" lit, sizeof(lit) - 1)

static inline void pen_u64(struct pen *pen, uint64_t n)
{
    unsigned length = decimal_length(n);

    decimal_write(pen->at, n, length);
    pen->at += length;
}

/* A JSON value, or null when it is absent. */
static inline void pen_json(struct pen *pen, struct str json)
{
    if (json.p) {
        pen_add(pen, json.p, json.len);
    } else {
        pen_lit(pen, "null");
    }
}

/* One instant as text: microseconds, the digits of its milliseconds being
   all but the last three, those of its nanoseconds three zeros more. */
struct instant {
    char digits[DECIMAL_U64_MAX + 4];
    unsigned us, ms, ns; /* lengths */
};

static void instant_make(struct instant *t, int64_t us)
{
    uint64_t n = us < 0 ? 0 : (uint64_t)us; /* nothing is from before 1970 */

    t->us = decimal_length(n);
    decimal_write(t->digits, n, t->us);
    memcpy(t->digits + t->us, "000", 3);
    t->ns = n == 0 ? 1 : t->us + 3;
    t->ms = t->us > 3 ? t->us - 3 : 0;
}

static void pen_ms(struct pen *pen, const struct instant *t)
{
    if (t->ms > 0) {
        pen_add(pen, t->digits, t->ms);
    } else {
        pen_lit(pen, "0");
    }
}

static void pen_us_ns(struct pen *pen, const struct instant *t)
{
    pen_lit(pen, ",\"ts_us\":");
    pen_add(pen, t->digits, t->us);
    pen_lit(pen, ",\"ts_ns\":");
    pen_add(pen, t->digits, t->ns);
}

/* A JSON array of two decimal texts, as text in a string: its first is null
   before any commit (debezium-format.md 2.4). */
static void pen_sequence(struct pen *pen, const struct event *ev)
{
    if (ev->last_commit_lsn == 0) {
        pen_lit(pen, "\"[null,\\\"");
    } else {
        pen_lit(pen, "\"[\\\"");
        pen_u64(pen, ev->last_commit_lsn);
        pen_lit(pen, "\\\",\\\"");
    }
    pen_u64(pen, ev->lsn);
    pen_lit(pen, "\\\"]\"");
}

static void pen_source(struct pen *pen, const struct event_table *t,
                       const struct event *ev)
{
    struct instant commit;

    instant_make(&commit, ev->commit_us);
    pen_add(pen, t->head.p, t->head.len);
    pen_ms(pen, &commit);
    pen_lit(pen, ",\"snapshot\":\"");
    pen_add(pen, ev->snapshot.p, ev->snapshot.len);
    pen_lit(pen, "\"");
    pen_add(pen, t->db.p, t->db.len);
    pen_sequence(pen, ev);
    pen_us_ns(pen, &commit);
    pen_add(pen, t->name.p, t->name.len);
    if (ev->xid == 0) {
        pen_lit(pen, "null");
    } else {
        pen_u64(pen, ev->xid);
    }
    pen_lit(pen, ",\"lsn\":");
    pen_u64(pen, ev->lsn);
    pen_lit(pen, ",\"xmin\":null,\"origin\":null,\"origin_lsn\":null,"
                 "\"commit_lsn\":");
    pen_u64(pen, ev->commit_lsn);
    pen_lit(pen, ",\"tx_seq\":");
    pen_u64(pen, ev->tx_seq);
    pen_lit(pen, ",\"row_version\":");
    pen_u64(pen, ev->row_version);
    pen_lit(pen, "}");
}

/* Writes the event at `at`, which has event_bound bytes; returns its end. */
static char *event_pen(char *at, const struct event_table *t,
                       const struct event *ev)
{
    struct pen pen = { at };
    struct instant now;
    char op = (char)ev->op;

    instant_make(&now, ev->now_us);
    pen_lit(&pen, "{\"before\":");
    pen_json(&pen, ev->before);
    pen_lit(&pen, ",\"after\":");
    pen_json(&pen, ev->after);
    pen_lit(&pen, ",\"source\":");
    pen_source(&pen, t, ev);
    pen_lit(&pen, ",\"transaction\":null,\"op\":\"");
    pen_add(&pen, &op, 1);
    pen_lit(&pen, "\",\"ts_ms\":");
    pen_ms(&pen, &now);
    pen_us_ns(&pen, &now);
    pen_lit(&pen, "}");
    return pen.at;
}

void event_write(struct buf *b, const struct event_table *t,
                 const struct event *ev)
{
    size_t bound = ev->before.len + ev->after.len + ev->snapshot.len +
                   t->head.len + t->db.len + t->name.len + EVENT_FIXED_MAX;
    char *at;

    if (b->failed || !buf_ok(&t->head) || !buf_ok(&t->db) ||
        !buf_ok(&t->name)) {
        b->failed = true; /* a name that is no UTF-8 */
        return;
    }
    if (bound <= b->max - b->len) {
        at = buf_reserve(b, bound);
        b->len += (size_t)(event_pen(at, t, ev) - at);
        return;
    }
    /* near the cap, where the exact length decides */
    at = xrealloc(NULL, bound, 1);
    buf_add(b, at, (size_t)(event_pen(at, t, ev) - at));
    xfree(at);
}

void event_topic(struct buf *b, struct str prefix, struct str schema,
                 struct str table)
{
    const struct str parts[] = { prefix, schema, table };
    size_t start = b->len, end;

    for (unsigned i = 0; i < COUNT_OF(parts); i++) {
        if (i > 0) {
            buf_char(b, '.');
        }
        for (size_t k = 0; k < parts[i].len; k++) {
            unsigned char c = (unsigned char)parts[i].p[k];
            bool legal = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                         (c >= 'a' && c <= 'z') || c == '.' || c == '_' ||
                         c == '-';

            if (legal) {
                buf_char(b, (char)c);
            } else if (c >= 0xf0) { /* two UTF-16 units */
                buf_lit(b, "__");
            } else if (c < 0x80 || c >= 0xc0) {
                buf_char(b, '_');
            }
        }
    }
    end = start + TOPIC_BYTES_MAX;
    if (b->len > end) {
        b->len = end;
    }
}

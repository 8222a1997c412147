#include "common/event.h"
#include "common/slice.h"

/*
 * The reader of event.h's records. Its fuzz target holds the quick way
 * against the general one.
 */

/* The members that a sink needs, raw; p == NULL: not there. */
struct raw_event {
    struct str before, after, source, op;
    struct str ts_us, row_version, snapshot;
};

/* --- The quick way: our own writer's layout ------------------------------ */

/* Takes a literal; false when another text stands there. */
static inline bool take(const char **p, const char *end, const char *text,
                        size_t len)
{
    if ((size_t)(end - *p) < len || memcmp(*p, text, len) != 0) {
        return false;
    }
    *p += len;
    return true;
}

#define TAKE(lit) take(&p, end, "" lit, sizeof(lit) - 1)

/* Takes a literal and the value behind it. */
static inline bool take_value(const char **p, const char *end, const char *text,
                              size_t len, struct str *ret_value)
{
    const char *behind;

    if (!take(p, end, text, len)) {
        return false;
    }
    behind = slice_skip(*p, end);
    if (!behind) {
        return false;
    }
    *ret_value = (struct str){ *p, (size_t)(behind - *p) };
    *p = behind;
    return true;
}

#define TAKE_VALUE(lit, ret) take_value(&p, end, "" lit, sizeof(lit) - 1, ret)

/* Cuts an event that event.c wrote, member by member as they come. False for
   any other text, of which the general way then says what is wrong or finds
   the members in their other order. Four times as fast. */
static bool raw_read_own(struct str value, struct raw_event *raw)
{
    const char *p = value.p, *end = value.p + value.len;
    struct str skip;

    return TAKE_VALUE("{\"before\":", &raw->before) &&
           TAKE_VALUE(",\"after\":", &raw->after) &&
           TAKE_VALUE(",\"source\":{\"version\":", &skip) &&
           TAKE_VALUE(",\"connector\":", &skip) &&
           TAKE_VALUE(",\"name\":", &skip) &&
           TAKE_VALUE(",\"ts_ms\":", &skip) &&
           TAKE_VALUE(",\"snapshot\":", &raw->snapshot) &&
           TAKE_VALUE(",\"db\":", &skip) &&
           TAKE_VALUE(",\"sequence\":", &skip) &&
           TAKE_VALUE(",\"ts_us\":", &raw->ts_us) &&
           TAKE_VALUE(",\"ts_ns\":", &skip) &&
           TAKE_VALUE(",\"schema\":", &skip) &&
           TAKE_VALUE(",\"table\":", &skip) &&
           TAKE_VALUE(",\"txId\":", &skip) && TAKE_VALUE(",\"lsn\":", &skip) &&
           TAKE(",\"xmin\":null,\"origin\":null,\"origin_lsn\":null") &&
           TAKE_VALUE(",\"commit_lsn\":", &skip) &&
           TAKE_VALUE(",\"tx_seq\":", &skip) &&
           TAKE_VALUE(",\"row_version\":", &raw->row_version) &&
           TAKE_VALUE("},\"transaction\":null,\"op\":", &raw->op) &&
           TAKE_VALUE(",\"ts_ms\":", &skip) &&
           TAKE_VALUE(",\"ts_us\":", &skip) &&
           TAKE_VALUE(",\"ts_ns\":", &skip) && TAKE("}") && p == end;
}

/* --- Any order ----------------------------------------------------------- */

/* A name to look for and where its value goes. */
struct wanted {
    struct str name;
    struct str *value;
};

/* Cuts an object and keeps the wanted members. Each of them must come exactly
   once: of two, nobody could say which one is meant. */
static int members_take(struct str json, struct str value,
                        const struct wanted *wanted, unsigned count,
                        struct err *e)
{
    struct slice s;
    struct str name, member;
    enum slice_result rc = SLICE_BAD;

    if (slice_object(&s, json)) {
        while ((rc = slice_member(&s, &name, &member)) == SLICE_ITEM) {
            unsigned i = 0;

            while (i < count && !str_eq(wanted[i].name, name)) {
                i++;
            }
            if (i < count && wanted[i].value->p) {
                return err_set(e, ERR_INPUT, "event: \"%.*s\" twice",
                               STR_ARG(name));
            }
            if (i < count) {
                *wanted[i].value = member;
            }
        }
    }
    if (rc == SLICE_BAD) {
        return err_set(e, ERR_INPUT, "event: malformed at byte %zu of %zu",
                       (size_t)(s.p - value.p), value.len);
    }
    for (unsigned i = 0; i < count; i++) {
        if (!wanted[i].value->p) {
            return err_set(e, ERR_INPUT, "event: no member \"%.*s\"",
                           STR_ARG(wanted[i].name));
        }
    }
    return 0;
}

static int raw_read(struct str value, struct raw_event *raw, struct err *e)
{
    const struct wanted envelope[] = {
        { STR("before"), &raw->before },
        { STR("after"), &raw->after },
        { STR("source"), &raw->source },
        { STR("op"), &raw->op },
    };
    const struct wanted source[] = {
        { STR("ts_us"), &raw->ts_us },
        { STR("row_version"), &raw->row_version },
        { STR("snapshot"), &raw->snapshot },
    };

    if (raw_read_own(value, raw)) {
        return 0;
    }
    *raw = (struct raw_event){ 0 };
    if (members_take(value, value, envelope, COUNT_OF(envelope), e) < 0) {
        return -1;
    }
    return members_take(raw->source, value, source, COUNT_OF(source), e);
}

/* --- What the members must be -------------------------------------------- */

/* An object, or null as "absent". The slicer counts brackets and does not
   match their kinds, so the last one is looked at. */
static int row_read(struct str raw, const char *name, struct str *ret,
                    struct err *e)
{
    if (slice_is_null(raw)) {
        *ret = (struct str){ NULL, 0 };
        return 0;
    }
    if (raw.p[0] != '{' || raw.p[raw.len - 1] != '}') {
        return err_set(e, ERR_INPUT, "event: \"%s\" is no object", name);
    }
    *ret = raw;
    return 0;
}

static int op_read(struct str raw, enum event_op *ret_op, struct err *e)
{
    if (raw.len != 3 || raw.p[0] != '"' || !strchr("rcudts", raw.p[1])) {
        return err_set(e, ERR_INPUT, "event: unknown op %.*s",
                       raw.len < 16 ? (int)raw.len : 16, raw.p);
    }
    *ret_op = (enum event_op)raw.p[1];
    return 0;
}

static int numbers_read(const struct raw_event *raw, struct event_view *view,
                        struct err *e)
{
    if (!slice_i64(raw->ts_us, &view->commit_us)) {
        return err_set(e, ERR_INPUT, "event: source.ts_us is no integer");
    }
    if (!slice_u64(raw->row_version, &view->row_version) ||
        view->row_version > INT64_MAX) {
        return err_set(e, ERR_INPUT,
                       "event: source.row_version is no "
                       "integer of 63 bits");
    }
    if (raw->snapshot.p[0] != '"') {
        return err_set(e, ERR_INPUT, "event: source.snapshot is no text");
    }
    view->copied = !str_eq(raw->snapshot, STR("\"false\""));
    return 0;
}

/* An op and the row it must have, or cannot have. */
static int row_check(const struct event_view *view, struct err *e)
{
    switch (view->op) {
    case EVENT_READ:
    case EVENT_CREATE:
    case EVENT_UPDATE:
        if (!view->after.p) {
            return err_set(e, ERR_INPUT, "event: op \"%c\" without after",
                           (char)view->op);
        }
        break;
    case EVENT_DELETE:
    case EVENT_TRUNCATE:
        if (view->after.p) {
            return err_set(e, ERR_INPUT, "event: op \"%c\" with after",
                           (char)view->op);
        }
        break;
    case EVENT_SWEEP: break;
    }
    return 0;
}

/* A key is one well-formed object. */
static int key_check(struct str key, struct err *e)
{
    struct slice s;
    struct str name, value;
    enum slice_result rc = SLICE_BAD;

    if (!key.p || key.len == 0) {
        return err_set(e, ERR_INPUT, "event: record without key");
    }
    if (slice_object(&s, key)) {
        do {
            rc = slice_member(&s, &name, &value);
        } while (rc == SLICE_ITEM);
    }
    if (rc == SLICE_BAD) {
        return err_set(e, ERR_INPUT, "event: key malformed at byte %zu of %zu",
                       (size_t)(s.p - key.p), key.len);
    }
    return 0;
}

int event_read(struct str key, struct str value, struct event_view *ret_view,
               struct err *e)
{
    struct event_view view = { .op = EVENT_DELETE, .key = key };
    struct raw_event raw = { 0 };

    if (key_check(key, e) < 0) {
        return -1;
    }
    if (!value.p) {
        view.tombstone = true;
        *ret_view = view;
        return 0;
    }
    if (raw_read(value, &raw, e) < 0 || op_read(raw.op, &view.op, e) < 0 ||
        row_read(raw.before, "before", &view.before, e) < 0 ||
        row_read(raw.after, "after", &view.after, e) < 0 ||
        numbers_read(&raw, &view, e) < 0 || row_check(&view, e) < 0) {
        return -1;
    }
    *ret_view = view;
    return 0;
}

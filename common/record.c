#include "common/record.h"

#include "common/slice.h"

enum { FINGERPRINT_LEN = 16 };

static bool is_fingerprint(struct str s)
{
    if (s.len != FINGERPRINT_LEN) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';

        if (!digit && !(s.p[i] >= 'a' && s.p[i] <= 'f')) {
            return false;
        }
    }
    return true;
}

static bool is_op(struct str s)
{
    static const char ops[] = { EVENT_READ,   EVENT_CREATE,   EVENT_UPDATE,
                                EVENT_DELETE, EVENT_TRUNCATE, EVENT_SWEEP };

    return s.len == 1 && memchr(ops, s.p[0], sizeof(ops)) != NULL;
}

/* The version, 63 bits: what Elasticsearch takes as an external version. */
static bool read_version(struct str s, uint64_t *ret_version)
{
    uint64_t version;

    if (!slice_u64(s, &version) || version == 0 || version > INT64_MAX) {
        return false;
    }
    *ret_version = version;
    return true;
}

static int check_headers(const struct record *r, uint64_t *ret_version,
                         struct err *e)
{
    if (!r->version.p && !r->op.p && !r->fingerprint.p) {
        return err_set(
            e, ERR_INPUT,
            "the record has none of our headers (" EVENT_HEADER_VERSION
            ", " EVENT_HEADER_OP ", " EVENT_HEADER_SCHEMA
            "): something else than cdc-producer writes to this "
            "topic");
    }
    if (!r->version.p || !read_version(r->version, ret_version)) {
        return err_set(e, ERR_INPUT, "bad header %s", EVENT_HEADER_VERSION);
    }
    if (!r->op.p || !is_op(r->op)) {
        return err_set(e, ERR_INPUT, "bad header %s", EVENT_HEADER_OP);
    }
    if (!r->fingerprint.p || !is_fingerprint(r->fingerprint)) {
        return err_set(e, ERR_INPUT, "bad header %s", EVENT_HEADER_SCHEMA);
    }
    return 0;
}

/* What this version cannot apply yet: going past it would lose data. */
static int check_supported(const struct record *r, struct err *e)
{
    if (r->op.p[0] == EVENT_TRUNCATE) {
        return err_set(e, ERR_INPUT,
                       "a TRUNCATE of the table: this version cannot apply "
                       "it; a later version will");
    }
    if (r->op.p[0] == EVENT_SWEEP) {
        return err_set(e, ERR_INPUT,
                       "a sweep record (the end of a resync): this version "
                       "cannot apply it; a later version will");
    }
    if (r->unavailable.p) {
        return err_set(e, ERR_INPUT,
                       "the row is incomplete (header cdc-unavailable): this "
                       "version cannot apply it; ALTER TABLE ... REPLICA "
                       "IDENTITY FULL prevents such events");
    }
    return 0;
}

static int check_view(const struct record *r, const struct event_view *ev,
                      uint64_t version, struct err *e)
{
    if (ev->tombstone) {
        return r->op.p[0] == EVENT_DELETE
                   ? 0
                   : err_set(e, ERR_INPUT,
                             "a tombstone with header %s other "
                             "than d",
                             EVENT_HEADER_OP);
    }
    if ((char)ev->op != r->op.p[0]) {
        return err_set(e, ERR_INPUT, "header %s and the value's op differ",
                       EVENT_HEADER_OP);
    }
    if (ev->row_version != version) {
        return err_set(e, ERR_INPUT,
                       "header %s and the value's row_version differ",
                       EVENT_HEADER_VERSION);
    }
    if (ev->op != EVENT_DELETE && !ev->after.p) {
        return err_set(e, ERR_INPUT, "the value has no after");
    }
    return 0;
}

int record_read(const struct record *r, struct item *it, struct err *e)
{
    struct event_view ev;
    uint64_t version = 0;

    if (check_headers(r, &version, e) < 0 || check_supported(r, e) < 0) {
        return -1;
    }
    if (event_read(r->key, r->value, &ev, e) < 0 ||
        check_view(r, &ev, version, e) < 0) {
        return -1;
    }
    it->ev = ev;
    it->version = version;
    return 0;
}

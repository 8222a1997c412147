/* The second half of bulk.h: an answer to verdicts. */
#include "common/slice.h"
#include "sink-es/bulk.h"

/* What the answer says about one action. */
struct outcome {
    struct str verb, id;
    struct str type, reason; /* of the error; p == NULL: there is none */
    uint64_t status;
};

static void judge(struct item *it, enum verdict verdict, struct str why)
{
    size_t max = sizeof(it->why) - 1;
    size_t len = why.len < max ? why.len : max;

    it->verdict = verdict;
    memcpy(it->why, why.p, len);
    it->why[len] = '\0';
}

/* The text inside a raw JSON string, its escapes kept: for types and texts
   that are compared or shown. */
static struct str unquoted(struct str value)
{
    bool quoted = value.len >= 2 && value.p[0] == '"';

    return quoted ? (struct str){ value.p + 1, value.len - 2 }
                  : (struct str){ "", 0 };
}

/* {"index":{"_id":"…","status":409,"error":{"type":"…","reason":"…"}}} */
static bool outcome_read(struct str element, struct outcome *ret)
{
    struct slice s;
    struct str members, name, value, error = { 0 };
    enum slice_result rc;
    bool status = false;

    *ret = (struct outcome){ 0 };
    if (!slice_object(&s, element) ||
        slice_member(&s, &ret->verb, &members) != SLICE_ITEM ||
        slice_member(&s, &name, &value) != SLICE_END ||
        !slice_object(&s, members)) {
        return false;
    }
    while ((rc = slice_member(&s, &name, &value)) == SLICE_ITEM) {
        if (str_eq(name, STR("_id"))) {
            ret->id = value;
        } else if (str_eq(name, STR("status"))) {
            status = slice_u64(value, &ret->status);
        } else if (str_eq(name, STR("error"))) {
            error = value;
        }
    }
    if (rc != SLICE_END || !status) {
        return false;
    }
    if (error.p) {
        ret->type = ret->reason = (struct str){ "", 0 };
        if (slice_find(error, STR("type"), &value) == SLICE_ITEM) {
            ret->type = unquoted(value);
        }
        if (slice_find(error, STR("reason"), &value) == SLICE_ITEM) {
            ret->reason = unquoted(value);
        }
    }
    return true;
}

static bool id_matches(const struct outcome *o,
                       const struct bulk_action *action, struct buf *scratch)
{
    struct err e;
    size_t len;

    buf_reset(scratch);
    if (bulk_id(scratch, action->table, action->it->ev.key, &e) < 0) {
        return false;
    }
    len = scratch->len;
    return slice_string(o->id, scratch) && scratch->len == 2 * len &&
           memcmp(scratch->p, scratch->p + len, len) == 0;
}

/* The number behind the last "current version [" of a conflict's reason:
   "[ID]: version conflict, current version [7] is higher or equal to the one
   provided [5]", where the ID may hold anything. */
static bool current_version(struct str reason, uint64_t *ret)
{
    static const char phrase[] = "current version [";
    const size_t len = sizeof(phrase) - 1;

    for (size_t i = reason.len; i-- > 0;) {
        struct str digits = { reason.p + i + len, 0 };

        if (reason.len - i <= len || memcmp(reason.p + i, phrase, len) != 0) {
            continue;
        }
        while (i + len + digits.len < reason.len &&
               digits.p[digits.len] != ']') {
            digits.len++;
        }
        return i + len + digits.len < reason.len && slice_u64(digits, ret);
    }
    return false;
}

/* Errors with a 4xx status that no document is to blame for. */
static bool is_outage(const struct outcome *o)
{
    static const char *const types[] = {
        "cluster_block_exception",      "security_exception",
        "index_closed_exception",       "index_not_found_exception",
        "unavailable_shards_exception", "es_rejected_execution_exception",
        "circuit_breaking_exception",
    };
    struct str no_write_index = STR("no write index is defined");

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (str_eq(o->type, str_of(types[i]))) {
            return true;
        }
    }
    return o->status == 401 || o->status == 403 || o->status == 408 ||
           o->status == 429 ||
           (o->reason.len >= no_write_index.len &&
            memcmp(o->reason.p, no_write_index.p, no_write_index.len) == 0);
}

/* "[1:6] failed to parse field [n] of type …" -> "n". The rest of a reason
   shows values. */
static struct str field_of(struct str reason)
{
    static const char phrase[] = "field [";
    const size_t len = sizeof(phrase) - 1;

    for (size_t i = 0; i + len < reason.len; i++) {
        if (memcmp(reason.p + i, phrase, len) == 0) {
            struct str name = { reason.p + i + len, 0 };

            while (i + len + name.len < reason.len && name.p[name.len] != ']') {
                name.len++;
            }
            return name;
        }
    }
    return (struct str){ "", 0 };
}

/* The rules, in order (DESIGN 5, reliability.md 3). */
static enum verdict verdict_of(const struct outcome *o,
                               const struct bulk_action *action)
{
    bool deletion = str_eq(o->verb, STR("delete"));
    uint64_t current;

    if (o->status >= 200 && o->status < 300) {
        return VERDICT_DONE;
    }
    if (o->status == 404 && deletion && !o->type.p) {
        return VERDICT_DONE; /* it was not there; its version is kept */
    }
    if (o->status == 409) {
        /* something newer is there, or this very write was */
        return current_version(o->reason, &current) &&
                       current >= action->it->version
                   ? VERDICT_DONE
                   : VERDICT_RETRY;
    }
    if (o->status < 400 || o->status >= 500 || o->type.len == 0 ||
        is_outage(o)) {
        return VERDICT_RETRY; /* Elasticsearch always names what is wrong */
    }
    return VERDICT_REJECT;
}

static void outcome_judge(const struct outcome *o,
                          const struct bulk_action *action)
{
    enum verdict verdict = verdict_of(o, action);
    struct str type = o->type.p ? o->type : STR("no error"), field;
    char why[sizeof(action->it->why)];

    if (verdict == VERDICT_DONE) {
        judge(action->it, verdict, STR(""));
        return;
    }
    field = verdict == VERDICT_REJECT && o->reason.p ? field_of(o->reason)
                                                     : STR("");
    (void)snprintf(why, sizeof(why), "status %llu, %.*s%s%.*s%s",
                   (unsigned long long)o->status,
                   (int)(type.len < 80 ? type.len : 80), type.p,
                   field.len > 0 ? ", field [" : "",
                   (int)(field.len < 64 ? field.len : 64), field.p,
                   field.len > 0 ? "]" : "");
    judge(action->it, verdict, str_of(why));
}

/* The next element of the answer, which must be about this action. */
static bool action_judge(struct slice *s, const struct bulk_action *action,
                         struct buf *scratch)
{
    bool deletion =
        action->it->ev.tombstone || action->it->ev.op == EVENT_DELETE;
    struct outcome o;
    struct str element;

    if (slice_element(s, &element) != SLICE_ITEM ||
        !outcome_read(element, &o) ||
        !str_eq(o.verb, deletion ? STR("delete") : STR("index")) ||
        !id_matches(&o, action, scratch)) {
        return false;
    }
    outcome_judge(&o, action);
    return true;
}

#define MISMATCH "the answer does not match the request"

/* The next element, which must be about a guard. Returns what is wrong. */
static const char *guard_look(struct slice *s)
{
    struct outcome o;
    struct str element;

    if (slice_element(s, &element) != SLICE_ITEM ||
        !outcome_read(element, &o) || !str_eq(o.verb, STR("update"))) {
        return MISMATCH;
    }
    /* then its deletes went nowhere, or into an index of the alias' name */
    return str_eq(o.type, STR("index_not_found_exception"))
               ? "an alias is missing"
               : NULL;
}

/* Returns what is wrong with the answer as a whole. */
static const char *answer_judge(struct str answer,
                                const struct bulk_action *actions,
                                unsigned count, unsigned guards,
                                struct buf *scratch)
{
    struct slice s;
    struct str items, rest;
    const char *wrong = NULL;

    if (slice_find(answer, STR("items"), &items) != SLICE_ITEM ||
        !slice_array(&s, items)) {
        return MISMATCH;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!action_judge(&s, &actions[i], scratch)) {
            return MISMATCH;
        }
    }
    for (unsigned i = 0; i < guards && !wrong; i++) {
        wrong = guard_look(&s);
    }
    if (!wrong && slice_element(&s, &rest) != SLICE_END) {
        wrong = MISMATCH;
    }
    return wrong;
}

int bulk_judge(struct str answer, const struct bulk_action *actions,
               unsigned count, unsigned guards, struct buf *scratch)
{
    const char *wrong = answer_judge(answer, actions, count, guards, scratch);

    if (!wrong) {
        return 0;
    }
    for (unsigned i = 0; i < count; i++) {
        judge(actions[i].it, VERDICT_RETRY, str_of(wrong));
    }
    return -1;
}

#include "producer/state.h"

#include <cjson/cJSON.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/topics.h"

enum { RECORD_BYTES_MAX = 1 << 20 };

/* ---- reading ---------------------------------------------------------- */

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : NULL;
}

static bool u64_of(const cJSON *object, const char *name, uint64_t *ret)
{
    const char *text = text_of(object, name);
    char *end = NULL;

    if (text == NULL || *text == '\0') {
        return false;
    }
    *ret = strtoull(text, &end, 10);
    return *end == '\0';
}

static bool lsn_of(const cJSON *object, const char *name, uint64_t *ret)
{
    const char *text = text_of(object, name);

    return text != NULL && lsn_parse(text, ret);
}

static bool u32_of(const cJSON *object, const char *name, uint32_t *ret)
{
    uint64_t n;

    if (!u64_of(object, name, &n) || n > UINT32_MAX) {
        return false;
    }
    *ret = (uint32_t)n;
    return true;
}

static bool position_read(struct state *st, const cJSON *v)
{
    const char *slot = text_of(v, "slot"), *id = text_of(v, "system_id");
    const char *profile = text_of(v, "profile"), *mode = text_of(v, "mode");

    if (!slot || !id || !profile || !mode ||
        !u32_of(v, "timeline", &st->timeline) ||
        !lsn_of(v, "confirmed_lsn", &st->confirmed_lsn) ||
        !u64_of(v, "lsn_base", &st->lsn_base) || strcmp(profile, "sink") != 0 ||
        strcmp(mode, "logical") != 0) {
        return false;
    }
    (void)snprintf(st->slot, sizeof(st->slot), "%s", slot);
    (void)snprintf(st->system_id, sizeof(st->system_id), "%s", id);
    st->written_lsn = st->confirmed_lsn;
    st->exists = true;
    return true;
}

static bool ends_read(struct table *t, const cJSON *v)
{
    const cJSON *ends = cJSON_GetObjectItemCaseSensitive(v, "ends"), *item;
    int count = cJSON_GetArraySize(ends), i = 0;

    if (count <= 0 || count > TABLE_PARTITIONS_MAX) {
        return false;
    }
    if (t->partition_count == 0) {
        table_set_partitions(t, count);
    } else if (t->partition_count != count) {
        return false;
    }
    cJSON_ArrayForEach(item, ends)
    {
        if (!cJSON_IsString(item)) {
            return false;
        }
        t->ends[i++] = strtoll(item->valuestring, NULL, 10);
    }
    return true;
}

static bool key_read(struct table *t, const cJSON *v)
{
    const cJSON *key = cJSON_GetObjectItemCaseSensitive(v, "key"), *item;
    unsigned count = (unsigned)cJSON_GetArraySize(key), i = 0;
    const char **names = xcalloc(count, sizeof(*names));
    bool ok = cJSON_IsArray(key);

    cJSON_ArrayForEach(item, key)
    {
        ok = ok && cJSON_IsString(item);
        names[i++] = item->valuestring;
    }
    if (ok) {
        table_set_key(t, names, count);
    }
    xfree(names);
    return ok;
}

/* The entry a record speaks of. A table that was dropped and made again has
   one label and two oids; of two records the later one counts. */
static struct table *table_of(struct tables *tables, uint32_t oid,
                              const char *schema, const char *name)
{
    struct table *t = tables_find(tables, oid);

    if (t != NULL && strcmp(t->schema, schema) == 0 &&
        strcmp(t->name, name) == 0) {
        return t;
    }
    t = tables_by_name(tables, schema, name);
    if (t == NULL) {
        return tables_add(tables, oid, schema, name);
    }
    tables_rekey(tables, t, oid);
    return t;
}

static bool table_read(struct tables *tables, const cJSON *v)
{
    const char *schema = text_of(v, "schema"), *name = text_of(v, "name");
    const char *topic = text_of(v, "topic"), *copy = text_of(v, "copy");
    uint32_t oid;
    uint64_t rows;

    if (!schema || !name || !topic || !copy || !u32_of(v, "oid", &oid)) {
        return false;
    }
    struct table *t = table_of(tables, oid, schema, name);
    if (t->topic == NULL) {
        t->topic = xstrdup(topic);
    }
    if (!ends_read(t, v) || !key_read(t, v) ||
        !u32_of(v, "filenode", &t->copy_filenode) ||
        !u32_of(v, "part", &t->copy_part) ||
        !u32_of(v, "block", &t->copy_block) || !u64_of(v, "rows", &rows) ||
        !lsn_of(v, "high_lsn", &t->copy_high_lsn)) {
        return false;
    }
    t->copy_rows = rows;
    t->copy = strcmp(copy, "done") == 0 ? TABLE_COPY_DONE : TABLE_COPY_PENDING;
    t->dirty = false;
    return true;
}

struct reading {
    struct state *st;
    struct tables *tables;
};

static int on_record(void *arg, struct str key, struct str value, struct err *e)
{
    struct reading *r = arg;
    cJSON *v = NULL;
    bool ok = true;

    if (value.p == NULL) {
        return 0; /* a table that was forgotten */
    }
    v = cJSON_ParseWithLength(value.p, value.len);
    const char *what = v ? text_of(v, "state") : NULL;
    if (what && strcmp(what, "position") == 0) {
        ok = position_read(r->st, v);
    } else if (what && strcmp(what, "table") == 0) {
        ok = table_read(r->tables, v);
    } else {
        ok = false;
    }
    cJSON_Delete(v);
    if (!ok) {
        return err_set(e, ERR_FATAL,
                       "state topic %s: the record with key %.*s was not"
                       " written by this version (or profile, or mode)",
                       r->st->topic, STR_ARG(key));
    }
    return 0;
}

int state_read(struct state *st, const char *brokers, const char *prefix,
               struct tables *tables, struct err *e)
{
    struct reading r = { st, tables };
    bool exists;

    if (st->topic == NULL) {
        st->topic = xcalloc(strlen(prefix) + sizeof(".state"), 1);
        (void)snprintf(st->topic, strlen(prefix) + sizeof(".state"), "%s.state",
                       prefix);
    }
    return kafka_read_all(brokers, "cdc-producer", st->topic, on_record, &r,
                          &exists, &st->read_end, e);
}

int state_moved(const struct state *st, rd_kafka_t *rk, bool *ret_moved,
                struct err *e)
{
    int64_t end;

    if (topic_end(rk, st->topic, 0, &end, e) < 0) {
        return -1;
    }
    *ret_moved = end != st->read_end;
    return 0;
}

/* ---- writing ---------------------------------------------------------- */

static void member_lsn(struct buf *b, const char *name, uint64_t lsn)
{
    json_member(b, str_of(name));
    buf_char(b, '"');
    lsn_write(b, lsn);
    buf_char(b, '"');
}

static void member_u64(struct buf *b, const char *name, uint64_t n)
{
    json_member(b, str_of(name));
    buf_char(b, '"');
    buf_u64(b, n);
    buf_char(b, '"');
}

static void table_write(struct buf *b, const struct table *t)
{
    buf_lit(b, "{\"state\":\"table\"");
    json_member_string(b, "schema", str_of(t->schema));
    json_member_string(b, "name", str_of(t->name));
    member_u64(b, "oid", t->oid);
    json_member_string(b, "topic", str_of(t->topic));
    buf_lit(b, ",\"ends\":[");
    for (int i = 0; i < t->partition_count; i++) {
        buf_printf(b, "%s\"%lld\"", i > 0 ? "," : "", (long long)t->ends[i]);
    }
    buf_lit(b, "],\"key\":[");
    for (unsigned i = 0; i < t->key_count; i++) {
        if (i > 0) {
            buf_char(b, ',');
        }
        json_string(b, str_of(t->key[i]));
    }
    buf_char(b, ']');
    json_member_string(
        b, "copy", t->copy == TABLE_COPY_DONE ? STR("done") : STR("pending"));
    member_u64(b, "filenode", t->copy_filenode);
    member_u64(b, "part", t->copy_part);
    member_u64(b, "block", t->copy_block);
    member_u64(b, "rows", t->copy_rows);
    member_lsn(b, "high_lsn", t->copy_high_lsn);
    buf_char(b, '}');
}

static void position_write(struct buf *b, const struct state *st, uint64_t lsn)
{
    buf_lit(b, "{\"state\":\"position\"");
    json_member_string(b, "slot", str_of(st->slot));
    json_member_string(b, "system_id", str_of(st->system_id));
    member_u64(b, "timeline", st->timeline);
    member_lsn(b, "confirmed_lsn", lsn);
    member_u64(b, "lsn_base", st->lsn_base);
    json_member_string(b, "profile", STR("sink"));
    json_member_string(b, "mode", STR("logical"));
    json_member(b, STR("time"));
    buf_char(b, '"');
    clock_rfc3339(b, clock_wall_us());
    buf_lit(b, "\"}");
}

static enum publish_result table_send(const struct state *st,
                                      struct publish *pub, struct table *t,
                                      struct err *e)
{
    struct buf key, value;

    buf_init(&key, RECORD_BYTES_MAX);
    buf_init(&value, RECORD_BYTES_MAX);
    buf_lit(&key, "{\"state\":\"table\"");
    json_member_string(&key, "table", str_of(t->label));
    buf_char(&key, '}');
    table_write(&value, t);
    CHECK(buf_ok(&key) && buf_ok(&value));
    enum publish_result result = publish_control(
        pub, st->topic, buf_str(&key), buf_str(&value), PUBLISH_STATE, e);
    if (result == PUBLISH_SENT) {
        t->dirty = false;
    }
    buf_fini(&value);
    buf_fini(&key);
    return result;
}

int state_write(struct state *st, struct publish *pub, struct tables *tables,
                uint64_t lsn, struct err *e)
{
    enum publish_result result = PUBLISH_SENT;
    struct buf value;

    if (st->writing) {
        return 0;
    }
    for (unsigned i = 0; i < tables->count; i++) {
        if (!tables->list[i]->dirty || tables->list[i]->ends == NULL) {
            continue;
        }
        result = table_send(st, pub, tables->list[i], e);
        if (result != PUBLISH_SENT) {
            return result == PUBLISH_FAILED ? -1 : 0;
        }
    }
    buf_init(&value, RECORD_BYTES_MAX);
    position_write(&value, st, lsn);
    result = publish_control(pub, st->topic, STR("{\"state\":\"position\"}"),
                             buf_str(&value), PUBLISH_STATE, e);
    buf_fini(&value);
    if (result == PUBLISH_SENT) {
        st->written_lsn = lsn;
        st->writing = true;
        st->dirty = false;
        st->wrote_ms = clock_ms();
    }
    return result == PUBLISH_FAILED ? -1 : 0;
}

void state_settle(struct state *st, const struct publish *pub)
{
    if (st->writing && pub->outstanding[PUBLISH_STATE] == 0) {
        st->writing = false;
        st->exists = true;
        st->confirmed_lsn = st->written_lsn;
    }
}

void state_fini(struct state *st)
{
    xfree(st->topic);
    *st = (struct state){ 0 };
}

#include "monitor/read_es.h"

#include "common/json.h"
#include "common/slice.h"
#include "common/stop.h"

enum {
    REPLY_BYTES_MAX = 200 << 20, /* of a single document */
    PAGE_BYTES_MAX = 48 << 20,   /* then smaller pages are asked for */
    PATH_BYTES_MAX = 4096,
    NAME_BYTES_MAX = 64 << 10,
    BODY_BYTES_MAX = 1 << 20,
    FIRST_PAGE_ROWS = 100,
};

int read_es_open(struct read_es *p, const char *url, const char *api_key,
                 struct err *e)
{
    *p = (struct read_es){ 0 };
    buf_init(&p->reply, REPLY_BYTES_MAX);
    return probe_es_open(&p->server, url, api_key, e);
}

void read_es_close(struct read_es *p)
{
    probe_es_close(&p->server);
    buf_fini(&p->reply);
}

/* ---- requests ----------------------------------------------------------- */

/* "/<alias><rest>" */
static void path_write(struct buf *b, const char *alias, const char *rest)
{
    buf_char(b, '/');
    http_escape(b, str_of(alias));
    buf_str_add(b, str_of(rest));
}

static int answer_fail(const struct http_request *rq, struct err *e)
{
    struct str text = buf_str(&rq->reply);

    if (rq->status == 0) {
        return err_set(e, stop_requested() ? ERR_RETRY : ERR_UNREACHABLE,
                       "Elasticsearch: %s", rq->why);
    }
    text.len = text.len < 300 ? text.len : 300;
    return err_set(
        e, rq->status == 401 || rq->status == 403 ? ERR_PERMISSION : ERR_RETRY,
        "Elasticsearch: %s %.*s: HTTP %d: %.*s", rq->method,
        (int)strcspn(rq->path, "?"), rq->path, rq->status, STR_ARG(text));
}

/* Runs a request; the answer is in p->reply. `ret_status` may be 404 (and 0
   for one that is too large); any other failure is an error. */
static int ask(struct read_es *p, const char *method, const char *path,
               struct str body, int *ret_status, struct err *e)
{
    struct http_request rq = {
        .method = method,
        .path = path,
        .content_type = body.len > 0 ? "application/json" : NULL,
        .body = body,
        .reply = p->reply,
    };
    bool too_large;

    (void)!http_run(p->server.http, &rq, 1, NULL); /* judged below */
    too_large = rq.status == 0 && !buf_ok(&rq.reply);
    p->reply = rq.reply;
    *ret_status = rq.status;
    if (rq.status == 200 || rq.status == 404 || too_large) {
        return 0;
    }
    return answer_fail(&rq, e);
}

int read_es_refresh(struct read_es *p, const char *alias, bool *ret_exists,
                    struct err *e)
{
    struct buf path;
    int status, rc;

    buf_init(&path, PATH_BYTES_MAX);
    path_write(&path, alias, "/_refresh");
    rc = ask(p, "POST", buf_z(&path), (struct str){ 0 }, &status, e);
    *ret_exists = rc == 0 && status == 200;
    buf_fini(&path);
    return rc;
}

int read_es_count(struct read_es *p, const char *alias, uint64_t *ret_rows,
                  struct err *e)
{
    struct str value = { 0 };
    struct buf path;
    int status, rc;

    buf_init(&path, PATH_BYTES_MAX);
    path_write(&path, alias, "/_count");
    rc = ask(p, "GET", buf_z(&path), (struct str){ 0 }, &status, e);
    buf_fini(&path);
    if (rc == 0 &&
        (slice_find(buf_str(&p->reply), STR("count"), &value) != SLICE_ITEM ||
         !slice_u64(value, ret_rows))) {
        rc =
            err_set(e, ERR_RETRY, "Elasticsearch: %s cannot be counted", alias);
    }
    return rc;
}

/* ---- a page ------------------------------------------------------------- */

/* What stays the same for all documents of a reading. */
struct names {
    struct buf text;
    struct str *list; /* of the columns, as JSON writes them */
};

static void names_make(struct names *n, const struct shape *shape)
{
    size_t *ends = xcalloc(shape->column_count, sizeof(*ends));
    size_t from = 0;

    buf_init(&n->text, SIZE_MAX);
    n->list = xcalloc(shape->column_count, sizeof(*n->list));
    for (unsigned i = 0; i < shape->column_count; i++) {
        json_escape(&n->text, str_of(shape->columns[i].name));
        ends[i] = n->text.len;
    }
    for (unsigned i = 0; i < shape->column_count; i++) {
        n->list[i] = (struct str){ buf_str(&n->text).p + from, ends[i] - from };
        from = ends[i];
    }
    xfree(ends);
}

static void names_free(struct names *n)
{
    buf_fini(&n->text);
    xfree(n->list);
}

/* The members of _source into the row's values; others are columns that the
   source has no more. */
static bool source_take(struct canonrow *row, const struct names *names,
                        struct str source)
{
    struct slice s;
    struct str name, value;
    enum slice_result rc;
    unsigned next = 0;

    canonrow_reset(row);
    if (!slice_object(&s, source)) {
        return false;
    }
    while ((rc = slice_member(&s, &name, &value)) == SLICE_ITEM) {
        for (unsigned i = 0; i < row->count; i++) {
            unsigned at = (next + i) % row->count;

            if (str_eq(names->list[at], name)) {
                row->values[at] = value;
                next = at + 1;
                break;
            }
        }
    }
    return rc == SLICE_END;
}

/* The _id that a document of this key has (sink-es/bulk.h): the text of a
   single column, else the JSON array of the key's values. */
static bool id_write(struct buf *b, const struct canonrow *row)
{
    const struct canon_column *first = &row->columns[row->key[0]];
    struct str value = row->values[row->key[0]];
    size_t len;

    for (unsigned i = 0; i < row->key_count; i++) {
        if (!row->values[row->key[i]].p) {
            return false; /* the document lacks its key */
        }
    }
    if (row->key_count == 1) {
        bool raw = first->array || first->class == SHAPE_JSON;

        if (raw || value.p[0] != '"') {
            buf_str_add(b, value);
        } else if (!slice_string(value, b)) {
            return false;
        }
        len = b->len;
        if (len > 0 && b->p[0] != '[' &&
            (len < 7 || memcmp(b->p, "sha256:", 7) != 0)) {
            return true;
        }
        buf_reset(b);
    }
    buf_char(b, '[');
    for (unsigned i = 0; i < row->key_count; i++) {
        if (i > 0) {
            buf_char(b, ',');
        }
        buf_str_add(b, row->values[row->key[i]]);
    }
    buf_char(b, ']');
    return true;
}

/* Is this where the sink puts a document of this key? */
static bool id_belongs(struct buf *scratch, const struct canonrow *row,
                       struct str id)
{
    enum { ID_BYTES_MAX = 512, HASHED_ID_BYTES = 7 + 64 };

    buf_reset(scratch);
    if (!id_write(scratch, row)) {
        return false;
    }
    if (scratch->len > ID_BYTES_MAX) {
        return id.len == HASHED_ID_BYTES && memcmp(id.p, "sha256:", 7) == 0;
    }
    return str_eq(buf_str(scratch), id);
}

struct hit {
    struct str id, version, source, sort;
};

static bool hit_cut(struct str raw, struct hit *ret)
{
    struct slice s;
    struct str name, value;
    enum slice_result rc;

    *ret = (struct hit){ 0 };
    if (!slice_object(&s, raw)) {
        return false;
    }
    while ((rc = slice_member(&s, &name, &value)) == SLICE_ITEM) {
        if (str_eq(name, STR("_id"))) {
            ret->id = value;
        } else if (str_eq(name, STR("_version"))) {
            ret->version = value;
        } else if (str_eq(name, STR("_source"))) {
            ret->source = value;
        } else if (str_eq(name, STR("sort"))) {
            ret->sort = value;
        }
    }
    return rc == SLICE_END && ret->id.p && ret->version.p && ret->source.p &&
           ret->sort.p;
}

/* `scratch`: the _id, and the one that it should be. */
static int hit_take(struct str raw, const struct reader *to,
                    const struct names *names, struct buf scratch[2],
                    struct read_es_page *page, struct err *e)
{
    struct canonrow *row = to->row;
    struct hit hit;
    uint64_t version;

    buf_reset(&scratch[0]);
    if (!hit_cut(raw, &hit) || !slice_u64(hit.version, &version) ||
        !slice_string(hit.id, &scratch[0]) ||
        !source_take(row, names, hit.source)) {
        return err_set(e, ERR_RETRY,
                       "Elasticsearch: a document cannot be read");
    }
    if (id_belongs(&scratch[1], row, buf_str(&scratch[0]))) {
        canonrow_make(row, CANON_ES);
    } else {
        canonrow_make_stray(row, CANON_ES, buf_str(&scratch[0]));
    }
    page->count++;
    page->sort = hit.sort;
    return to->fn(to->arg, row, version, e);
}

/* Did all shards answer in time? */
static bool is_whole(struct str answer)
{
    struct str timed_out, shards, failed;
    uint64_t count;

    return slice_find(answer, STR("timed_out"), &timed_out) == SLICE_ITEM &&
           str_eq(timed_out, STR("false")) &&
           slice_find(answer, STR("_shards"), &shards) == SLICE_ITEM &&
           slice_find(shards, STR("failed"), &failed) == SLICE_ITEM &&
           slice_u64(failed, &count) && count == 0;
}

static int hits_take(struct str hits, const struct reader *to,
                     struct read_es_page *page, struct err *e)
{
    struct slice s;
    struct names names;
    struct buf scratch[2];
    struct str raw;
    enum slice_result rc = SLICE_BAD;
    int failed = 0;

    names_make(&names, to->row->shape);
    buf_init(&scratch[0], NAME_BYTES_MAX);
    buf_init(&scratch[1], REPLY_BYTES_MAX);
    if (slice_array(&s, hits)) {
        while (failed == 0 && (rc = slice_element(&s, &raw)) == SLICE_ITEM) {
            failed = hit_take(raw, to, &names, scratch, page, e);
        }
    }
    buf_fini(&scratch[0]);
    buf_fini(&scratch[1]);
    names_free(&names);
    if (failed == 0 && rc != SLICE_END) {
        return err_set(e, ERR_RETRY, "Elasticsearch: an answer is cut");
    }
    return failed;
}

int read_es_page(struct str answer, const struct reader *to,
                 struct read_es_page *ret_page, struct err *e)
{
    struct str outer, hits;

    *ret_page = (struct read_es_page){ 0 };
    if (!is_whole(answer)) {
        return err_set(e, ERR_RETRY,
                       "Elasticsearch: not all shards have answered");
    }
    if (slice_find(answer, STR("pit_id"), &ret_page->pit) != SLICE_ITEM ||
        slice_find(answer, STR("hits"), &outer) != SLICE_ITEM ||
        slice_find(outer, STR("hits"), &hits) != SLICE_ITEM) {
        return err_set(e, ERR_RETRY, "Elasticsearch: an answer is no page");
    }
    return hits_take(hits, to, ret_page, e);
}

/* ---- all pages ---------------------------------------------------------- */

static int pit_open(struct read_es *p, const char *alias, struct buf *ret_pit,
                    struct err *e)
{
    struct str id = { 0 };
    struct buf path;
    int status, rc;

    buf_init(&path, PATH_BYTES_MAX);
    path_write(&path, alias, "/_pit?keep_alive=5m");
    rc = ask(p, "POST", buf_z(&path), (struct str){ 0 }, &status, e);
    buf_fini(&path);
    if (rc == 0 &&
        slice_find(buf_str(&p->reply), STR("id"), &id) != SLICE_ITEM) {
        rc =
            err_set(e, ERR_RETRY, "Elasticsearch: %s: no point in time", alias);
    }
    if (rc == 0) {
        buf_reset(ret_pit);
        buf_str_add(ret_pit, id); /* with its quotes */
    }
    return rc;
}

/* Frees what the cluster holds for us; it ends by itself otherwise. */
static void pit_close(struct read_es *p, const struct buf *pit)
{
    struct buf body;
    struct err e;
    int status;

    buf_init(&body, BODY_BYTES_MAX);
    buf_lit(&body, "{\"id\":");
    buf_str_add(&body, buf_str(pit));
    buf_char(&body, '}');
    (void)!ask(p, "DELETE", "/_pit", buf_str(&body), &status, &e);
    buf_fini(&body);
}

static void page_ask(struct buf *b, const struct buf *pit,
                     const struct buf *after, unsigned rows)
{
    buf_reset(b);
    buf_printf(b,
               "{\"size\":%u,\"version\":true,\"track_total_hits\":false,"
               "\"sort\":[{\"_shard_doc\":\"asc\"}],\"pit\":{\"id\":",
               rows);
    buf_str_add(b, buf_str(pit));
    buf_lit(b, ",\"keep_alive\":\"5m\"}");
    if (after->len > 0) {
        buf_lit(b, ",\"search_after\":");
        buf_str_add(b, buf_str(after));
    }
    buf_char(b, '}');
}

/* How many documents to ask for next. */
static unsigned page_rows(const struct read_es *p, unsigned count)
{
    size_t each = p->reply.len / (count > 0 ? count : 1) + 1;
    size_t rows = READ_ES_PAGE_BYTES / each;

    return rows < 1                       ? 1
           : rows > READ_ES_PAGE_ROWS_MAX ? READ_ES_PAGE_ROWS_MAX
                                          : (unsigned)rows;
}

struct place {
    struct buf pit, after, body;
    unsigned rows; /* of the next page */
    bool end;
};

/* A page of several documents may not take much memory; one must pass. */
static void reply_fit(struct read_es *p, unsigned rows)
{
    size_t max = rows > 1 ? PAGE_BYTES_MAX : REPLY_BYTES_MAX;

    if (p->reply.max != max) {
        buf_fini(&p->reply);
        buf_init(&p->reply, max);
    }
}

static int page_run(struct read_es *p, struct place *at,
                    const struct reader *to, struct err *e)
{
    struct read_es_page page;
    int status;

    reply_fit(p, at->rows);
    page_ask(&at->body, &at->pit, &at->after, at->rows);
    if (ask(p, "POST", "/_search?allow_partial_search_results=false",
            buf_str(&at->body), &status, e) < 0) {
        return -1;
    }
    if (status == 0 && at->rows > 1) { /* too large */
        at->rows /= 8;
        at->rows += at->rows == 0;
        return 0;
    }
    if (status != 200) {
        return err_set(e, ERR_RETRY, "Elasticsearch: %s",
                       status == 0 ? "a document is too large"
                                   : "the point in time is gone");
    }
    if (read_es_page(buf_str(&p->reply), to, &page, e) < 0) {
        return -1;
    }
    at->end = page.count < at->rows;
    at->rows = page_rows(p, page.count);
    buf_reset(&at->pit);
    buf_str_add(&at->pit, page.pit);
    buf_reset(&at->after);
    buf_str_add(&at->after, page.sort);
    return 0;
}

int read_es_rows(struct read_es *p, const char *alias, const struct reader *to,
                 struct err *e)
{
    struct place at = { .rows = FIRST_PAGE_ROWS };
    int rc;

    buf_init(&at.pit, BODY_BYTES_MAX);
    buf_init(&at.after, BODY_BYTES_MAX);
    buf_init(&at.body, BODY_BYTES_MAX);
    rc = pit_open(p, alias, &at.pit, e);
    if (rc == 0) {
        while (rc == 0 && !at.end) {
            rc = page_run(p, &at, to, e);
        }
        pit_close(p, &at.pit);
    }
    buf_fini(&at.pit);
    buf_fini(&at.after);
    buf_fini(&at.body);
    return rc;
}

/* links: sink_es_core */
/* write.h against an Elasticsearch of our own: who gets which verdict, and
   what goes over the wire for it. */
#include "sink-es/write.h"
#include "tests/unit/rig.h"
#include "tests/unit/stub.h"

/* How the cluster behaves, and what it saw. */
struct world {
    struct stub stub;
    size_t body_max;    /* 413 above; 0: never */
    int status;         /* of a whole request; 0: 200 */
    const char *poison; /* a document with this text in it is refused */
    const char *gone;   /* the alias with this name is missing */
    bool silent;        /* leaves the last item out of the answer */
    unsigned requests, actions, guards;

    struct cluster cluster;
    struct targets targets;
    struct writer writer;
    struct rig rig;
};

static struct str line_take(struct str *text)
{
    const char *end = memchr(text->p, '\n', text->len);
    size_t len = end ? (size_t)(end - text->p) : text->len;
    struct str line = { text->p, len };

    assert_non_null(end); /* each line ends */
    text->p += len + 1;
    text->len -= len + 1;
    return line;
}

/* "…"_id":"x","version"…" -> "x" with its quotes */
static struct str id_of(struct str line)
{
    static const char word[] = "\"_id\":";
    const char *p = memmem(line.p, line.len, word, sizeof(word) - 1);
    const char *end;

    assert_non_null(p);
    p += sizeof(word) - 1;
    end = memchr(p + 1, '"', (size_t)(line.p + line.len - p - 1));
    assert_non_null(end);
    return (struct str){ p, (size_t)(end + 1 - p) };
}

/* One action and its document, if it has one: its element of the answer. */
static void action_answer(struct world *w, struct str *body, struct buf *b)
{
    struct str action = line_take(body), id = id_of(action);
    bool deletion = holds(action, "{\"delete\"");
    bool guard = holds(action, "{\"update\"");
    struct str document = deletion ? STR("") : line_take(body);
    bool gone = w->gone && holds(action, w->gone);

    w->guards += guard;
    w->actions += !guard;
    buf_printf(b, "%s{\"%s\":{\"_id\":%.*s,",
               b->len > 0 && b->p[b->len - 1] == '}' ? "," : "",
               deletion ? "delete"
               : guard  ? "update"
                        : "index",
               STR_ARG(id));
    if (gone) {
        buf_printf(b, "\"status\":404%s",
                   deletion ? ""
                            : ",\"error\":{\"type\":"
                              "\"index_not_found_exception\"}");
    } else if (guard) {
        buf_lit(b, "\"status\":404,\"error\":{\"type\":"
                   "\"document_missing_exception\"}");
    } else if (w->poison && holds(document, w->poison)) {
        buf_lit(b, "\"status\":400,\"error\":{\"type\":"
                   "\"document_parsing_exception\",\"reason\":\"x\"}");
    } else {
        buf_lit(b, "\"status\":200");
    }
    buf_lit(b, "}}");
}

static void bulk_answer(struct world *w, struct str body,
                        struct stub_reply *reply)
{
    struct buf items;

    w->requests++;
    if (w->body_max > 0 && body.len > w->body_max) {
        reply->status = 413;
        return;
    }
    if (w->status != 0) {
        reply->status = w->status;
        buf_lit(&reply->body, "{\"error\":{\"type\":\"x\"}}");
        return;
    }
    buf_init(&items, SIZE_MAX);
    while (body.len > 0) {
        size_t before = items.len;

        action_answer(w, &body, &items);
        if (w->silent && body.len == 0) {
            items.len = before;
        }
    }
    buf_lit(&reply->body, "{\"items\":[");
    buf_str_add(&reply->body, buf_str(&items));
    buf_lit(&reply->body, "]}");
    buf_fini(&items);
}

static void answer(void *arg, const char *path, const char *query,
                   struct str body, struct stub_reply *reply)
{
    const char *name = strstr(path, "/a") ? "A" : "B";

    (void)query;
    if (strcmp(path, "/_bulk") == 0) {
        bulk_answer(arg, body, reply);
        return;
    }
    buf_printf(&reply->body,
               "{\"i\":{\"mappings\":{\"_meta\":{\"data-sync\":{\"pipeline\":"
               "\"cdc\",\"table\":\"public.%s\",\"columns\":{\"id\":\"text\"}}"
               "}},\"settings\":{\"index.gc_deletes\":\"15m\"}}}",
               name);
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    struct cluster_conf conf = { 0 };
    struct err e = { 0 };

    stub_start(&w->stub, answer, w);
    conf.url = w->stub.url;
    assert_int_equal(cluster_open(&w->cluster, &conf, &e), 0);
    w->targets = (struct targets){ .pipeline = "cdc" };
    for (size_t i = 0; i < COUNT_OF(rig_shapes); i++) {
        if (targets_prepare(&w->targets, &w->cluster, &rig_shapes[i], false,
                            &e) < 0) {
            fail_msg("%s", e.text);
        }
    }
    writer_init(&w->writer, &w->cluster, &w->targets);
    rig_init(&w->rig);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    writer_fini(&w->writer);
    targets_fini(&w->targets);
    cluster_close(&w->cluster);
    stub_stop(&w->stub);
    xfree(w);
    return 0;
}

static void run(struct world *w)
{
    struct err e = { 0 };

    w->requests = w->actions = w->guards = 0;
    assert_int_equal(writer_run(&w->writer, &w->rig.batch, &e), 0);
}

/* One request; of a key only the highest version goes out. */
static void test_newest(void **state)
{
    struct world *w = *state;

    (void)rig_add(&w->rig, 0, "a", EVENT_CREATE);
    (void)rig_add(&w->rig, 0, "a", EVENT_UPDATE);
    (void)rig_add(&w->rig, 1, "a", EVENT_CREATE);
    (void)rig_add(&w->rig, 0, "d", EVENT_DELETE);
    rig_add(&w->rig, 0, "d", EVENT_DELETE)->ev.tombstone = true;
    rig_add(&w->rig, 1, "a", EVENT_READ)->version = 1; /* a copied row, older */
    run(w);
    rig_verdicts_are(&w->rig, VERDICT_DONE);
    assert_int_equal(w->requests, 1);
    assert_int_equal(w->actions, 3);
    run(w); /* settled items are not sent again */
    assert_int_equal(w->requests, 0);
}

/* Deletes alone would make an index where the alias is gone. */
static void test_guard(void **state)
{
    struct world *w = *state;

    (void)rig_add(&w->rig, 0, "a", EVENT_DELETE);
    (void)rig_add(&w->rig, 0, "b", EVENT_DELETE);
    (void)rig_add(&w->rig, 1, "c", EVENT_DELETE);
    (void)rig_add(&w->rig, 1, "d",
                  EVENT_CREATE); /* this one protects its alias */
    w->gone = "\"a\"";
    run(w);
    assert_int_equal(w->guards, 1);
    rig_verdicts_are(&w->rig, VERDICT_RETRY);
    assert_string_equal(w->rig.items[0].why, "an alias is missing");
    w->gone = NULL;
    run(w);
    rig_verdicts_are(&w->rig, VERDICT_DONE);
}

/* A refused document brings the older ones of its key back. */
static void test_refused_speaker(void **state)
{
    struct world *w = *state;

    (void)rig_add(&w->rig, 0, "a", EVENT_CREATE);
    (void)rig_add(&w->rig, 0, "b", EVENT_CREATE);
    rig_add(&w->rig, 0, "a", EVENT_UPDATE)->ev.after = STR("{\"poison\":1}");
    w->poison = "poison";
    run(w);
    assert_int_equal(w->rig.items[0].verdict, VERDICT_RETRY);
    assert_int_equal(w->rig.items[1].verdict, VERDICT_DONE);
    assert_int_equal(w->rig.items[2].verdict, VERDICT_REJECT);
    assert_string_equal(w->rig.items[2].why,
                        "status 400, document_parsing_exception");
    run(w);
    assert_int_equal(w->actions, 1);
    assert_int_equal(w->rig.items[0].verdict, VERDICT_DONE);
}

/* What can never be written does not stand in the way of the others. */
static void test_refused_here(void **state)
{
    struct world *w = *state;

    (void)rig_add(&w->rig, 0, "a", EVENT_CREATE);
    rig_add(&w->rig, 0, "b", EVENT_CREATE)->ev.after = STR("[1]");
    rig_add(&w->rig, 0, "c", EVENT_DELETE)->ev.key = STR("{\"other\":1}");
    (void)rig_add(&w->rig, 0, "d", EVENT_SWEEP);
    run(w);
    assert_int_equal(w->rig.items[0].verdict, VERDICT_DONE);
    assert_int_equal(w->rig.items[1].verdict, VERDICT_REJECT);
    assert_int_equal(w->rig.items[2].verdict, VERDICT_REJECT);
    assert_int_equal(w->rig.items[3].verdict, VERDICT_STOP);
    assert_int_equal(w->actions, 1);
}

static void test_whole_request(void **state)
{
    static const int statuses[] = { 400, 401, 403, 404, 429, 500, 502, 503 };
    struct world *w = *state;

    (void)rig_add(&w->rig, 0, "a", EVENT_CREATE);
    (void)rig_add(&w->rig, 0, "a", EVENT_UPDATE);
    (void)rig_add(&w->rig, 1, "b", EVENT_DELETE);
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        char why[64];

        w->status = statuses[i];
        run(w);
        rig_verdicts_are(&w->rig, VERDICT_RETRY);
        (void)snprintf(why, sizeof(why), "HTTP %d for the whole request",
                       statuses[i]);
        assert_string_equal(w->rig.items[0].why, why);
    }
    w->status = 0;
    w->silent = true; /* counts the guard of B as well */
    run(w);
    rig_verdicts_are(&w->rig, VERDICT_RETRY);
    w->silent = false;
    run(w);
    rig_verdicts_are(&w->rig, VERDICT_DONE);
}

/* Split until it fits, and remembered; a document too large alone is
   refused. */
static void test_too_large(void **state)
{
    struct world *w = *state;

    for (unsigned i = 0; i < 400; i++) {
        char key[32];

        (void)snprintf(key, sizeof(key), "key-%u", i);
        (void)rig_add(&w->rig, 0, key, EVENT_CREATE);
    }
    w->body_max = 10000; /* of some 40,000 */
    run(w);
    rig_verdicts_are(&w->rig, VERDICT_DONE);
    assert_true(w->requests <= 3 + 8);
    for (unsigned i = 0; i < 400; i++) {
        w->rig.items[i].verdict = VERDICT_PENDING;
    }
    w->rig.items[399].ev.key = STR("{\"id\":\"one\"}");
    run(w);
    rig_verdicts_are(&w->rig, VERDICT_DONE);
    assert_true(w->requests <= 8); /* no 413 this time */

    w->rig.batch.count = 3;
    w->rig.items[0].verdict = w->rig.items[1].verdict = VERDICT_PENDING;
    w->rig.items[2].verdict = VERDICT_PENDING;
    w->body_max = 150;
    w->rig.items[1].ev.after =
        STR("{\"id\":\"0123456789012345678901234567890123456789\",\"t\":\""
            "0123456789012345678901234567890123456789\"}");
    run(w);
    assert_int_equal(w->rig.items[0].verdict, VERDICT_DONE);
    assert_int_equal(w->rig.items[1].verdict, VERDICT_REJECT);
    assert_string_equal(w->rig.items[1].why, "HTTP 413: the row is too large");
    assert_int_equal(w->rig.items[2].verdict, VERDICT_DONE);
}

/* Not reached, or too late: nothing is known of any item. */
static void test_unreached(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };

    (void)rig_add(&w->rig, 0, "a", EVENT_CREATE);
    (void)rig_add(&w->rig, 0, "a", EVENT_UPDATE);
    w->rig.batch.send_by_ms = 0;
    run(w);
    assert_int_equal(w->requests, 0);
    assert_int_equal(w->rig.items[1].verdict, VERDICT_PENDING);
    assert_int_equal(w->rig.items[0].verdict, VERDICT_RETRY);
    w->rig.batch.send_by_ms = INT64_MAX;
    stub_stop(&w->stub);
    assert_int_equal(writer_run(&w->writer, &w->rig.batch, &e), -1);
    assert_int_equal(e.kind, ERR_RETRY);
    rig_verdicts_are(&w->rig, VERDICT_RETRY);
    stub_start(&w->stub, answer, w); /* for the teardown */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_newest),          TEST(test_guard),
        TEST(test_refused_speaker), TEST(test_refused_here),
        TEST(test_whole_request),   TEST(test_too_large),
        TEST(test_unreached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

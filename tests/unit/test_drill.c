/* links: monitor_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/buckets.h"
#include "monitor/drill.h"

static char word_id[] = "id", word_part[] = "part", word_v[] = "v";
static char word_int8[] = "int8", word_text[] = "text", word_f[] = "float8";

static struct shape_column narrow_columns[] = {
    { .name = word_id, .type = word_int8, .class = SHAPE_INT8, .key_index = 1 },
    { .name = word_v, .type = word_text, .class = SHAPE_TEXT },
};
static struct shape narrow = { .column_count = 2,
                               .key_count = 1,
                               .columns = narrow_columns };

/* The key's order is not the table's. */
static struct shape_column pair_columns[] = {
    { .name = word_id, .type = word_int8, .class = SHAPE_INT8, .key_index = 2 },
    { .name = word_v, .type = word_f, .class = SHAPE_FLOAT8, .key_index = 3 },
    { .name = word_part,
      .type = word_text,
      .class = SHAPE_TEXT,
      .key_index = 1 },
};
static struct shape pair = { .column_count = 3,
                             .key_count = 3,
                             .columns = pair_columns };

static void make(struct canonrow *r, enum canon_side side, const char *id,
                 const char *v)
{
    canonrow_reset(r);
    r->values[0] = str_of(id);
    r->values[1] = str_of(v);
    canonrow_make(r, side);
}

static bool same(struct hash128 a, struct hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

/* What makes two rows equal, and two keys. */
static void test_rows(void **state)
{
    static const struct {
        enum canon_side side;
        const char *id, *v;
        bool key, row;
    } cases[] = {
        { CANON_PG, "1", "a", true, true },
        { CANON_ES, "1", "\"a\"", true, true },
        { CANON_CH, "1", "a", true, true },
        { CANON_PG, "2", "a", false, false },
        { CANON_PG, "1", "", true, false },
        { CANON_PG, "1", NULL, true, false },
        { CANON_ES, "\"1\"", "\"a\"", false, false },
        { CANON_ES, "1", "7", true, false },
        { CANON_ES, NULL, "\"a\"", false, false },
    };
    struct canonrow r;
    struct hash128 key, row;

    (void)state;
    canonrow_init(&r, &narrow);
    make(&r, CANON_PG, "1", "a");
    key = r.key_hash;
    row = r.row_hash;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        make(&r, cases[i].side, cases[i].id, cases[i].v);
        assert_int_equal(same(key, r.key_hash), cases[i].key);
        assert_int_equal(same(row, r.row_hash), cases[i].row);
    }
    /* where a value ends belongs to it */
    make(&r, CANON_PG, "12", "3");
    row = r.row_hash;
    make(&r, CANON_PG, "1", "23");
    assert_false(same(row, r.row_hash));
    /* what is wrong on two sides is not equal */
    make(&r, CANON_PG, "1", "a");
    r.values[0] = STR("x");
    canonrow_make(&r, CANON_ES);
    row = r.row_hash;
    canonrow_make(&r, CANON_CH);
    assert_false(same(row, r.row_hash));
    /* a column that is left out */
    r.left_out[1] = true;
    make(&r, CANON_PG, "1", "a");
    row = r.row_hash;
    make(&r, CANON_CH, "1", "b");
    assert_true(same(row, r.row_hash));
    canonrow_fini(&r);
}

static void test_key_text(void **state)
{
    struct canonrow r;
    struct buf b;
    char wide[600];

    (void)state;
    buf_init(&b, 1000);
    canonrow_init(&r, &pair);
    r.values[0] = STR("7");
    r.values[1] = STR("1.5");
    r.values[2] = STR("say \"x\"");
    canonrow_make(&r, CANON_PG);
    canonrow_key_text(&r, &b);
    assert_string_equal(buf_z(&b), "[\"say \\\"x\\\"\",7,1.5]");
    canonrow_fini(&r);

    /* é is two bytes: never halved */
    memset(wide, 'a', sizeof(wide));
    wide[CANONROW_KEY_TEXT_MAX - 1] = '\xc3';
    wide[CANONROW_KEY_TEXT_MAX] = '\xa9';
    canonrow_init(&r, &narrow);
    r.columns[0].class = SHAPE_TEXT;
    r.values[0] = (struct str){ wide, sizeof(wide) };
    canonrow_make(&r, CANON_CH);
    buf_reset(&b);
    canonrow_key_text(&r, &b);
    assert_int_equal(b.len, CANONROW_KEY_TEXT_MAX - 1 + 3);
    canonrow_fini(&r);
    buf_fini(&b);
}

static void add(struct buckets *b, struct canonrow *r, int id, const char *v)
{
    char text[20];

    (void)snprintf(text, sizeof(text), "%d", id);
    make(r, CANON_PG, text, v);
    buckets_add(b, r->key_hash, r->row_hash);
}

static void test_buckets(void **state)
{
    enum { ROWS = 5000 };
    struct buckets a, b;
    struct bucket_set set = { 0 };
    struct canonrow r;
    unsigned first;

    (void)state;
    buckets_init(&a);
    buckets_init(&b);
    canonrow_init(&r, &narrow);
    for (int i = 0; i < ROWS; i++) {
        add(&a, &r, i, "v");
        add(&b, &r, ROWS - 1 - i, "v");
    }
    buckets_compare(&a, &b, &set);
    assert_int_equal(set.count, 0);
    assert_int_equal(a.rows, ROWS);
    /* a row that is there twice, though two would make a XOR vanish */
    add(&a, &r, 17, "v");
    add(&a, &r, 17, "v");
    first = buckets_of(r.key_hash);
    buckets_compare(&a, &b, &set);
    assert_int_equal(set.count, 1);
    assert_true(bucket_set_has(&set, first));
    /* another value */
    add(&a, &r, ROWS, "w");
    add(&b, &r, ROWS, "v");
    buckets_compare(&a, &b, &set);
    assert_int_equal(set.count, 2);
    bucket_set_remove(&set, first);
    bucket_set_remove(&set, first);
    assert_int_equal(set.count, 1);
    assert_false(bucket_set_has(&set, first));
    bucket_set_fini(&set);
    canonrow_fini(&r);
    buckets_fini(&a);
    buckets_fini(&b);
}

/* One key through several checks: what each side shows ("-": nothing), with
   xmin and version, and what comes out. */
struct check {
    const char *pg, *es;
    uint64_t xmin, version;
    enum drill_state state;
};

enum { CHECKS = 4 };

static const struct {
    const char *name;
    struct check checks[CHECKS];
    enum drill_kind kind;
} histories[] = {
    { "changed by hand",
      { { "a", "\"b\"", 5, 100, DRILL_SUSPECT },
        { "a", "\"b\"", 5, 100, DRILL_CONFIRMED } },
      DRILL_DIFFERENT },
    { "missing",
      { { "a", "-", 5, 0, DRILL_SUSPECT },
        { "a", "-", 5, 0, DRILL_CONFIRMED } },
      DRILL_MISSING },
    { "a ghost",
      { { "-", "\"a\"", 0, 100, DRILL_SUSPECT },
        { "-", "\"a\"", 0, 100, DRILL_CONFIRMED } },
      DRILL_EXTRA },
    { "updated all the time",
      { { "a", "\"b\"", 5, 100, DRILL_SUSPECT },
        { "c", "\"d\"", 6, 101, DRILL_SUSPECT },
        { "e", "\"f\"", 7, 102, DRILL_SUSPECT },
        { "g", "\"h\"", 8, 103, DRILL_SUSPECT } },
      DRILL_DIFFERENT },
    { "inserted and deleted all the time",
      { { "a", "-", 5, 0, DRILL_SUSPECT },
        { "a", "-", 6, 0, DRILL_SUSPECT },
        { "-", "\"a\"", 0, 100, DRILL_SUSPECT },
        { "-", "\"a\"", 0, 101, DRILL_SUSPECT } },
      DRILL_EXTRA },
    { "changed once between the reads",
      { { "a", "\"b\"", 5, 100, DRILL_SUSPECT },
        { "b", "\"b\"", 6, 100, DRILL_FINE },
        { "b", "\"c\"", 6, 101, DRILL_FINE } },
      DRILL_DIFFERENT },
    { "moves, then stands still and is wrong",
      { { "a", "\"b\"", 5, 100, DRILL_SUSPECT },
        { "c", "\"x\"", 6, 101, DRILL_SUSPECT },
        { "c", "\"x\"", 6, 101, DRILL_CONFIRMED } },
      DRILL_DIFFERENT },
};

static void show(struct drill *d, struct canonrow *r, enum canon_side side,
                 const char *v, uint64_t version)
{
    if (strcmp(v, "-") != 0) {
        make(r, side, "1", v);
        if (drill_wants(d, r->key_hash)) {
            drill_see(d, r, version);
        }
    }
}

static void test_histories(void **state)
{
    const bool targets[CANON_SIDES] = { [CANON_ES] = true };
    struct canonrow r;

    (void)state;
    canonrow_init(&r, &narrow);
    for (size_t i = 0; i < COUNT_OF(histories); i++) {
        struct drill d;

        drill_init(&d, 10);
        for (int c = 0; c < CHECKS && histories[i].checks[c].pg; c++) {
            const struct check *check = &histories[i].checks[c];

            drill_begin(&d);
            show(&d, &r, CANON_PG, check->pg, check->xmin);
            show(&d, &r, CANON_ES, check->es, check->version);
            drill_judge(&d, targets);
            if (d.keys[0].targets[CANON_ES].state != check->state) {
                fail_msg("%s: check %d: %d", histories[i].name, c,
                         d.keys[0].targets[CANON_ES].state);
            }
        }
        assert_int_equal(d.keys[0].targets[CANON_ES].kind, histories[i].kind);
        assert_int_equal(d.keys[0].targets[CANON_CH].state, DRILL_FINE);
        drill_fini(&d);
    }
    canonrow_fini(&r);
}

/* Many keys: those that are equal go, the others keep their texts; a later
   check takes in no new ones; beyond `max` there is no room. */
static void test_many(void **state)
{
    const bool targets[CANON_SIDES] = { [CANON_ES] = true, [CANON_CH] = true };
    struct canonrow r;
    struct drill d;
    char id[20];

    (void)state;
    canonrow_init(&r, &narrow);
    drill_init(&d, 3000);
    drill_begin(&d);
    for (int i = 0; i < 3001; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        make(&r, CANON_PG, id, "a");
        drill_see(&d, &r, 1);
        make(&r, CANON_ES, id, i % 1000 == 7 ? "\"b\"" : "\"a\"");
        drill_see(&d, &r, 1);
        make(&r, CANON_CH, id, "a");
        if (i != 11) {
            drill_see(&d, &r, 1);
        }
    }
    assert_true(d.full);
    drill_judge(&d, targets);
    assert_int_equal(d.count, 4);
    assert_int_equal(drill_open(&d), 4);
    assert_int_equal(drill_count(&d, CANON_ES, DRILL_SUSPECT, DRILL_DIFFERENT),
                     3);
    assert_int_equal(drill_count(&d, CANON_CH, DRILL_SUSPECT, DRILL_KINDS), 1);
    assert_true(str_eq(drill_text(&d, &d.keys[0]), STR("7")));
    assert_true(str_eq(drill_text(&d, &d.keys[3]), STR("2007")));
    assert_false(drill_wants(&d, r.key_hash));
    drill_begin(&d);
    drill_see(&d, &r, 1);
    assert_int_equal(d.count, 4);
    drill_judge(&d, targets);
    assert_int_equal(drill_open(&d), 0); /* seen nowhere: equal */
    drill_fini(&d);
    canonrow_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),    cmocka_unit_test(test_key_text),
        cmocka_unit_test(test_buckets), cmocka_unit_test(test_histories),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

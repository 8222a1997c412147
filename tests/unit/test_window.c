/* links: producer_core */
#include "producer/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { TABLE = 16385, OTHER_TABLE = 16386 };

/* Sees every transaction below 100. */
static const struct snapshot below_100 = { .xmin = 100, .xmax = 100 };

static struct str number_key(char *text, size_t size, unsigned n)
{
    const int len = snprintf(text, size, "{\"id\":%u}", n);

    return (struct str){ text, (size_t)len };
}

static void test_drop_rule(void **state)
{
    const struct str key = STR("{\"id\":1}");
    uint64_t running[] = { 97 };
    const struct snapshot s = {
        .xmin = 97, .xmax = 100, .running = running, .running_count = 1
    };
    struct window *w = window_new();

    (void)state;
    window_note(w, TABLE, key, 150); /* closed: not remembered */
    window_open(w);
    assert_false(window_drops(w, &s, TABLE, key));

    window_note(w, TABLE, key, 98); /* the snapshot sees it */
    assert_false(window_drops(w, &s, TABLE, key));
    window_note(w, TABLE, key, 97); /* running then, it committed later */
    assert_true(window_drops(w, &s, TABLE, key));
    window_note(w, TABLE, key, 99); /* the newest decides */
    assert_false(window_drops(w, &s, TABLE, key));
    window_note(w, TABLE, key, 100);
    assert_true(window_drops(w, &s, TABLE, key));

    assert_false(window_drops(w, &s, OTHER_TABLE, key));
    assert_false(window_drops(w, &s, TABLE, STR("{\"id\":10}")));
    assert_false(window_drops(w, &s, TABLE, STR("{\"id\":1")));
    assert_false(window_drops(w, &s, TABLE, STR("")));
    window_free(w);
    window_free(NULL);
}

static void test_open_forgets(void **state)
{
    const struct str key = STR("{\"id\":1}");
    struct window *w = window_new();

    (void)state;
    window_open(w);
    window_note(w, TABLE, key, 100);
    assert_true(window_drops(w, &below_100, TABLE, key));
    window_open(w);
    assert_false(window_drops(w, &below_100, TABLE, key));
    window_note(w, TABLE, key, 100);
    window_close(w);
    window_note(w, TABLE, STR("{\"id\":2}"), 100);
    window_open(w);
    assert_false(window_drops(w, &below_100, TABLE, key));
    assert_false(window_drops(w, &below_100, TABLE, STR("{\"id\":2}")));
    window_free(w);
}

/* Every key's own xid is found again while table and arena grow, also in a
   window used before. */
static void test_growth_and_reuse(void **state)
{
    const unsigned count = 50000;
    struct window *w = window_new();
    char text[64];

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        window_open(w);
        for (unsigned n = 0; n < count; n++) {
            const unsigned oid = n % 2 ? TABLE : OTHER_TABLE;

            window_note(w, oid, number_key(text, sizeof(text), n),
                        99 + (n + round) % 2);
        }
        assert_false(window_overflowed(w));
        for (unsigned n = 0; n < count; n++) {
            const unsigned oid = n % 2 ? TABLE : OTHER_TABLE;
            const unsigned other = n % 2 ? OTHER_TABLE : TABLE;
            const struct str key = number_key(text, sizeof(text), n);

            assert_int_equal(window_drops(w, &below_100, oid, key),
                             (n + round) % 2);
            assert_false(window_drops(w, &below_100, other, key));
        }
        window_close(w);
    }
    window_free(w);
}

/* Notes keys until the bound; returns how many fitted. */
static unsigned fill(struct window *w, size_t key_bytes)
{
    char *key = xcalloc(key_bytes, 1);
    unsigned count = 0;

    memset(key, 'k', key_bytes);
    window_open(w);
    for (; !window_overflowed(w); count++) {
        memcpy(key, &count, sizeof(count));
        window_note(w, TABLE, (struct str){ key, key_bytes }, 100);
    }
    xfree(key);
    return count - 1;
}

static void test_bound(void **state)
{
    /* key bytes, and how many of them at least and at most: small keys cost
       their record and the table, large ones little more than themselves */
    static const struct {
        size_t key_bytes;
        unsigned least, most;
    } sizes[] = {
        { 8, 190000, 300000 },
        { 40, 90000, 150000 },
        { 1000, 8000, 8388 },
        { 1 << 20, 7, 7 },
        { WINDOW_BYTES_MAX - 65536, 1, 1 },
        { WINDOW_BYTES_MAX, 0, 0 },
        { WINDOW_BYTES_MAX * 2, 0, 0 },
    };
    struct window *w = window_new();

    (void)state;
    for (size_t n = 0; n < COUNT_OF(sizes); n++) {
        const unsigned count = fill(w, sizes[n].key_bytes);

        if (count < sizes[n].least || count > sizes[n].most) {
            fail_msg("%u keys of %zu bytes", count, sizes[n].key_bytes);
        }
    }
    window_note(w, TABLE, STR("{}"), 100); /* nothing more is taken */
    assert_true(window_overflowed(w));
    window_open(w);
    assert_false(window_overflowed(w));
    assert_false(window_drops(w, &below_100, TABLE, STR("{}")));
    window_free(w);
}

/* A key that is known already needs no room. */
static void test_known_key_at_the_bound(void **state)
{
    const size_t bytes = WINDOW_BYTES_MAX - 65536;
    char *large = xcalloc(bytes, 1);
    struct window *w = window_new();

    (void)state;
    window_open(w);
    window_note(w, TABLE, (struct str){ large, bytes }, 99);
    window_note(w, TABLE, (struct str){ large, bytes }, 100);
    assert_false(window_overflowed(w));
    assert_true(
        window_drops(w, &below_100, TABLE, (struct str){ large, bytes }));
    window_free(w);
    xfree(large);
}

/* The epoch turned between the snapshot and the change. */
static void test_xid_wraparound(void **state)
{
    const struct snapshot s = { .xmin = 4294967290, .xmax = 4294967290 };
    struct window *w = window_new();

    (void)state;
    window_open(w);
    window_note(w, TABLE, STR("later"), 5);
    window_note(w, TABLE, STR("earlier"), 4294967289);
    assert_true(window_drops(w, &s, TABLE, STR("later")));
    assert_false(window_drops(w, &s, TABLE, STR("earlier")));
    window_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drop_rule),
        cmocka_unit_test(test_open_forgets),
        cmocka_unit_test(test_growth_and_reuse),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_known_key_at_the_bound),
        cmocka_unit_test(test_xid_wraparound),
    };

    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}

/* links: sink_es_core */
/* newest.h: which item of a batch speaks for its key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sink-es/newest.h"

static const struct shape shapes[] = {
    { .topic = (char[]){ "cdc.public.A" } },
    { .topic = (char[]){ "cdc.public.A" } }, /* a newer shape of it */
    { .topic = (char[]){ "cdc.public.B" } },
};

/* One item, and the index of the one that must speak for it. */
struct row {
    unsigned shape;
    const char *key;
    uint64_t version;
    enum verdict verdict;
    unsigned speaker;
};

static void speakers_are(struct newest *n, const struct row *rows,
                         unsigned count)
{
    struct batch b = { .count = count };

    b.items = xcalloc(count, sizeof(*b.items));
    for (unsigned i = 0; i < count; i++) {
        b.items[i].shape = &shapes[rows[i].shape];
        b.items[i].ev.key = str_of(rows[i].key);
        b.items[i].version = rows[i].version;
        b.items[i].verdict = rows[i].verdict;
    }
    newest_find(n, &b);
    for (unsigned i = 0; i < count; i++) {
        if (rows[i].verdict == VERDICT_PENDING ||
            rows[i].verdict == VERDICT_RETRY) {
            assert_int_equal(newest_speaker(n, i), rows[i].speaker);
        }
    }
    xfree(b.items);
}

static void test_speakers(void **state)
{
    static const struct row rows[] = {
        { 0, "{\"id\":1}", 5, VERDICT_PENDING, 3 },
        { 0, "{\"id\":2}", 9, VERDICT_PENDING, 1 }, /* then a lower one */
        { 0, "{\"id\":2}", 8, VERDICT_PENDING, 1 },
        { 0, "{\"id\":1}", 6, VERDICT_RETRY, 3 },
        { 2, "{\"id\":1}", 7, VERDICT_PENDING, 4 }, /* another table */
        { 1, "{\"id\":3}", 4, VERDICT_PENDING, 6 },
        { 0, "{\"id\":3}", 4, VERDICT_PENDING, 6 }, /* a tie: the later */
        { 0, "{\"id\":4}", 2, VERDICT_PENDING, 7 },
        { 0, "{\"id\":4}", 3, VERDICT_REJECT, 0 }, /* has its verdict */
        { 0, "{\"id\":4}", 1, VERDICT_RETRY, 7 },
        { 0, "", 0, VERDICT_PENDING, 10 },
    };
    struct newest n = { 0 };

    (void)state;
    speakers_are(&n, rows, COUNT_OF(rows));
    speakers_are(&n, rows, 0);
    speakers_are(&n, rows, COUNT_OF(rows));
    newest_fini(&n);
}

/* Many keys, several items each: the table grows, keys collide. */
static void test_many(void **state)
{
    enum { KEYS = 3000, EACH = 4, COUNT = KEYS * EACH };
    struct row *rows = xcalloc(COUNT, sizeof(*rows));
    char(*keys)[24] = xcalloc(KEYS, sizeof(*keys));
    struct newest n = { 0 };

    (void)state;
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned key = i % KEYS, turn = i / KEYS;

        (void)snprintf(keys[key], sizeof(keys[key]), "{\"id\":%u}", key);
        rows[i] = (struct row){
            .key = keys[key],
            /* key k has its highest version at turn k % EACH */
            .version = (turn + EACH - key % EACH) % EACH == 0 ? 9 : turn,
            .speaker = key % EACH * KEYS + key,
        };
    }
    speakers_are(&n, rows, COUNT);
    newest_fini(&n);
    xfree(keys);
    xfree(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_speakers),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

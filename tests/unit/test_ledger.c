/* links: producer_core */
#include "producer/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/xalloc.h"

enum { SLOTS = 4 };

static void test_confirms_a_contiguous_prefix(void **state)
{
    struct ledger l;

    (void)state;
    ledger_init(&l, SLOTS);
    ledger_reset(&l, 100);
    assert_int_equal(ledger_confirmable(&l), 100);

    ledger_begin(&l);
    assert_true(ledger_in_transaction(&l));

    const uintptr_t a1 = ledger_sent(&l);
    const uintptr_t a2 = ledger_sent(&l);

    assert_true(a1 != 0 && a2 != 0);
    ledger_commit(&l, 200);
    assert_false(ledger_in_transaction(&l));
    ledger_begin(&l);

    const uintptr_t b1 = ledger_sent(&l);

    ledger_commit(&l, 300);
    assert_int_equal(ledger_outstanding(&l), 3);

    ledger_acked(&l, b1); /* the later transaction first */
    assert_int_equal(ledger_confirmable(&l), 100);
    ledger_acked(&l, a2);
    assert_int_equal(ledger_confirmable(&l), 100);
    ledger_acked(&l, a1);
    assert_int_equal(ledger_confirmable(&l), 300);
    assert_int_equal(ledger_outstanding(&l), 0);
    ledger_fini(&l);
}

static void test_open_transaction_is_never_confirmed(void **state)
{
    struct ledger l;

    (void)state;
    ledger_init(&l, SLOTS);
    ledger_begin(&l);
    ledger_acked(&l, ledger_sent(&l));
    assert_int_equal(ledger_confirmable(&l), 0);
    ledger_acked(&l, ledger_sent(&l));
    assert_int_equal(ledger_confirmable(&l), 0);
    ledger_commit(&l, 50);
    assert_int_equal(ledger_confirmable(&l), 50);
    ledger_fini(&l);
}

static void test_empty_transaction_waits_its_turn(void **state)
{
    struct ledger l;

    (void)state;
    ledger_init(&l, SLOTS);
    ledger_begin(&l);

    const uintptr_t a = ledger_sent(&l);

    ledger_commit(&l, 10);
    ledger_begin(&l);
    ledger_commit(&l, 20);
    assert_int_equal(ledger_confirmable(&l), 0);
    ledger_acked(&l, a);
    assert_int_equal(ledger_confirmable(&l), 20);
    ledger_fini(&l);
}

static void test_keepalive(void **state)
{
    struct ledger l;

    (void)state;
    ledger_init(&l, SLOTS);
    ledger_keepalive(&l, 10); /* nothing before it */
    assert_int_equal(ledger_confirmable(&l), 10);
    ledger_keepalive(&l, 5); /* never back */
    assert_int_equal(ledger_confirmable(&l), 10);

    ledger_begin(&l);
    ledger_keepalive(&l, 15); /* ignored: it says nothing of our changes */

    const uintptr_t a = ledger_sent(&l);

    ledger_commit(&l, 20);
    assert_int_equal(ledger_confirmable(&l), 10);
    ledger_keepalive(&l, 30); /* behind the transaction */
    assert_int_equal(ledger_confirmable(&l), 10);
    ledger_acked(&l, a);
    assert_int_equal(ledger_confirmable(&l), 30);
    ledger_fini(&l);
}

static void test_keepalives_share_a_slot(void **state)
{
    struct ledger l;

    (void)state;
    ledger_init(&l, SLOTS);
    ledger_begin(&l);

    const uintptr_t a = ledger_sent(&l);

    ledger_commit(&l, 10);
    for (uint64_t lsn = 11; lsn < 100; lsn++) {
        ledger_keepalive(&l, lsn);
    }
    assert_false(ledger_full(&l));
    ledger_begin(&l); /* there is room for two more */
    ledger_commit(&l, 101);
    ledger_begin(&l);
    ledger_commit(&l, 102);
    assert_true(ledger_full(&l));
    assert_int_equal(ledger_confirmable(&l), 0);
    ledger_acked(&l, a);
    assert_int_equal(ledger_confirmable(&l), 102);
    ledger_fini(&l);
}

static void test_full_drops_keepalives_and_frees_by_itself(void **state)
{
    struct ledger l;
    uintptr_t token[SLOTS];

    (void)state;
    ledger_init(&l, SLOTS);
    for (unsigned n = 0; n < SLOTS; n++) {
        assert_false(ledger_full(&l));
        ledger_begin(&l);
        token[n] = ledger_sent(&l);
        ledger_commit(&l, 10 + n);
    }
    assert_true(ledger_full(&l));
    ledger_keepalive(&l, 99);
    ledger_acked(&l, token[1]);
    assert_true(ledger_full(&l)); /* the oldest still holds its slot */
    ledger_acked(&l, token[0]);
    assert_false(ledger_full(&l)); /* without asking for confirmable */
    ledger_acked(&l, token[2]);
    ledger_acked(&l, token[3]);
    assert_int_equal(ledger_confirmable(&l), 13);
    ledger_fini(&l);
}

static void test_reset_forgets(void **state)
{
    struct ledger l;

    (void)state;
    ledger_init(&l, SLOTS);
    ledger_begin(&l);
    (void)ledger_sent(&l);
    ledger_commit(&l, 10);
    ledger_begin(&l);
    (void)ledger_sent(&l);
    ledger_reset(&l, 7);
    assert_false(ledger_in_transaction(&l));
    assert_int_equal(ledger_outstanding(&l), 0);
    assert_int_equal(ledger_confirmable(&l), 7);
    ledger_begin(&l);
    ledger_acked(&l, ledger_sent(&l));
    ledger_commit(&l, 20);
    assert_int_equal(ledger_confirmable(&l), 20);
    ledger_fini(&l);
    ledger_fini(&l); /* accepts a finished one */
    ledger_fini(NULL);
}

/* LSNs from outside never trip an assertion, and never lead backwards. */
static void test_strange_lsns(void **state)
{
    struct ledger l;

    (void)state;
    ledger_init(&l, SLOTS);
    ledger_begin(&l);
    ledger_commit(&l, 0);
    assert_int_equal(ledger_confirmable(&l), 0);
    ledger_begin(&l);
    ledger_commit(&l, UINT64_MAX);
    ledger_begin(&l);
    ledger_commit(&l, 1);
    assert_int_equal(ledger_confirmable(&l), UINT64_MAX);
    ledger_fini(&l);
}

/* A plain model: each event's transaction, acknowledged in random order. */
struct model {
    uintptr_t token[512];
    unsigned tx[512];
    unsigned count;
    unsigned pending[4096]; /* per transaction; the open one has 1 more */
    unsigned tx_count;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static uint64_t model_confirmable(const struct model *m)
{
    unsigned done = 0;

    while (done < m->tx_count && m->pending[done] == 0) {
        done++;
    }
    return done; /* transaction n ends at LSN n + 1 */
}

static void model_ack(struct model *m, struct ledger *l, uint32_t pick)
{
    ledger_acked(l, m->token[pick]);
    m->pending[m->tx[pick]]--;
    m->count--;
    m->token[pick] = m->token[m->count];
    m->tx[pick] = m->tx[m->count];
}

static void model_send(struct model *m, struct ledger *l)
{
    m->token[m->count] = ledger_sent(l);
    m->tx[m->count] = m->tx_count - 1;
    m->count++;
    m->pending[m->tx_count - 1]++;
}

static void test_random_against_a_model(void **state)
{
    struct model *m = xcalloc(1, sizeof(*m));
    struct ledger l;
    uint32_t seed = 2463534242;

    (void)state;
    ledger_init(&l, 16);
    while (m->tx_count < COUNT_OF(m->pending)) {
        const uint32_t dice = next_random(&seed) % 8;

        if (dice < 3 && m->count > 0) {
            model_ack(m, &l, next_random(&seed) % m->count);
        } else if (dice < 6 && l.open && m->count < COUNT_OF(m->token)) {
            model_send(m, &l);
        } else if (l.open) {
            ledger_commit(&l, m->tx_count);
            m->pending[m->tx_count - 1]--;
        } else if (!ledger_full(&l)) {
            ledger_begin(&l);
            m->pending[m->tx_count++] = 1;
        }
        assert_int_equal(ledger_confirmable(&l), model_confirmable(m));
        assert_int_equal(ledger_outstanding(&l), m->count);
    }
    ledger_fini(&l);
    xfree(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_confirms_a_contiguous_prefix),
        cmocka_unit_test(test_open_transaction_is_never_confirmed),
        cmocka_unit_test(test_empty_transaction_waits_its_turn),
        cmocka_unit_test(test_keepalive),
        cmocka_unit_test(test_keepalives_share_a_slot),
        cmocka_unit_test(test_full_drops_keepalives_and_frees_by_itself),
        cmocka_unit_test(test_reset_forgets),
        cmocka_unit_test(test_strange_lsns),
        cmocka_unit_test(test_random_against_a_model),
    };

    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}

/* links: cdc_sink */
/* assign.h: partitions found, and the lists that are committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/assign.h"

static rd_kafka_topic_partition_list_t *some(void)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(8);

    for (int p = 11; p >= 0; p--) {
        rd_kafka_topic_partition_list_add(list, "cdc.b.t", p)->offset = 100;
        rd_kafka_topic_partition_list_add(list, "cdc.a.t", p)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
    }
    return list;
}

static void partitions_are_found(void **state)
{
    rd_kafka_topic_partition_list_t *list = some();
    struct assign a = { 0 };

    (void)state;
    assert_null(assign_find(&a, "cdc.a.t", 0));
    assign_set(&a, list);
    assert_int_equal(a.count, 24);
    for (int32_t p = 0; p < 12; p++) {
        for (int twice = 0; twice < 2; twice++) {
            struct part *left = assign_find(&a, "cdc.a.t", p);
            struct part *right = assign_find(&a, "cdc.b.t", p);

            assert_string_equal(left->topic, "cdc.a.t");
            assert_int_equal(left->partition, p);
            assert_int_equal(left->next, 0);
            assert_string_equal(right->topic, "cdc.b.t");
            assert_int_equal(right->partition, p);
            assert_int_equal(right->next, 100);
        }
    }
    assert_null(assign_find(&a, "cdc.b.t", 12));
    assert_null(assign_find(&a, "cdc.a.u", 1));
    rd_kafka_topic_partition_list_destroy(list);
    list = rd_kafka_topic_partition_list_new(0);
    assign_set(&a, list); /* an empty assignment */
    assert_int_equal(a.count, 0);
    assert_null(assign_find(&a, "cdc.a.t", 0));
    rd_kafka_topic_partition_list_destroy(list);
    assign_clear(&a);
    assign_clear(&a);
}

static void settle(struct assign *a, int32_t partition, int64_t offset)
{
    struct part *p = assign_find(a, "cdc.b.t", partition);

    offsets_add(&p->offsets, offset);
    offsets_settle(&p->offsets, offset);
}

static void moved_offsets_are_taken_with_their_time(void **state)
{
    rd_kafka_topic_partition_list_t *list = some(), *taken;
    struct assign a = { 0 };

    (void)state;
    assign_set(&a, list);
    rd_kafka_topic_partition_list_destroy(list);
    assert_null(assign_take(&a, 1));
    settle(&a, 3, 100);
    settle(&a, 7, 205);
    taken = assign_take(&a, 1700000000123456);
    assert_int_equal(taken->cnt, 2);
    assert_int_equal(taken->elems[0].partition, 3);
    assert_int_equal(taken->elems[0].offset, 101);
    assert_int_equal(taken->elems[1].offset, 206);
    assert_int_equal(taken->elems[1].metadata_size, 13);
    assert_memory_equal(taken->elems[1].metadata, "1700000000123", 13);
    assert_null(assign_take(&a, 1));

    taken->elems[1].err = RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
    assign_untake(&a, taken, false);
    rd_kafka_topic_partition_list_destroy(taken);
    taken = assign_take(&a, 1);
    assert_int_equal(taken->cnt, 1); /* only the one that failed */
    assert_int_equal(taken->elems[0].partition, 7);
    assert_int_equal(taken->elems[0].offset, 206);
    (void)rd_kafka_topic_partition_list_add(taken, "cdc.b.t", 99);
    assign_untake(&a, taken, true); /* 99 is not held: ignored */
    rd_kafka_topic_partition_list_destroy(taken);
    taken = assign_take(&a, 1);
    assert_int_equal(taken->cnt, 1);
    rd_kafka_topic_partition_list_destroy(taken);
    assign_clear(&a);
}

static void the_list_of_all(void **state)
{
    rd_kafka_topic_partition_list_t *list = some(), *all;
    struct assign a = { 0 };

    (void)state;
    assign_set(&a, list);
    all = assign_list(&a);
    assert_int_equal(all->cnt, 24);
    assert_string_equal(all->elems[23].topic, "cdc.b.t");
    assert_int_equal(all->elems[23].partition, 11);
    rd_kafka_topic_partition_list_destroy(all);
    rd_kafka_topic_partition_list_destroy(list);
    assign_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_are_found),
        cmocka_unit_test(moved_offsets_are_taken_with_their_time),
        cmocka_unit_test(the_list_of_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

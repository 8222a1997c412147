#include "common/assign.h"

#include <inttypes.h>

static int compare(const char *topic, int32_t partition, const struct part *p)
{
    int order = strcmp(topic, p->topic);

    return order != 0 ? order
                      : (partition > p->partition) - (partition < p->partition);
}

static int part_compare(const void *a, const void *b)
{
    const struct part *left = a;

    return compare(left->topic, left->partition, b);
}

void assign_clear(struct assign *a)
{
    for (unsigned i = 0; i < a->count; i++) {
        xfree(a->parts[i].topic);
        offsets_fini(&a->parts[i].offsets);
    }
    xfree(a->parts);
    *a = (struct assign){ 0 };
}

void assign_set(struct assign *a, const rd_kafka_topic_partition_list_t *list)
{
    unsigned count = (unsigned)list->cnt;

    assign_clear(a);
    a->parts = xcalloc(count, sizeof(*a->parts));
    a->count = count;
    for (unsigned i = 0; i < count; i++) {
        const rd_kafka_topic_partition_t *from = &list->elems[i];
        struct part *p = &a->parts[i];

        p->topic = xstrdup(from->topic);
        p->partition = from->partition;
        p->next = from->offset >= 0 ? from->offset : 0;
        offsets_init(&p->offsets);
    }
    qsort(a->parts, count, sizeof(*a->parts), part_compare);
}

struct part *assign_find(struct assign *a, const char *topic, int32_t partition)
{
    unsigned low = 0, high = a->count;

    if (a->last < a->count &&
        compare(topic, partition, &a->parts[a->last]) == 0) {
        return &a->parts[a->last];
    }
    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        int order = compare(topic, partition, &a->parts[mid]);

        if (order == 0) {
            a->last = mid;
            return &a->parts[mid];
        }
        if (order < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}

/* librdkafka frees the metadata with the list. */
static void set_metadata(rd_kafka_topic_partition_t *to, int64_t wall_us)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%" PRId64, wall_us / 1000);

    to->metadata = xstrndup(text, (size_t)len);
    to->metadata_size = (size_t)len;
}

rd_kafka_topic_partition_list_t *assign_take(struct assign *a, int64_t wall_us)
{
    rd_kafka_topic_partition_list_t *list = NULL;

    for (unsigned i = 0; i < a->count; i++) {
        struct part *p = &a->parts[i];
        rd_kafka_topic_partition_t *to;
        int64_t offset;

        if (!offsets_take(&p->offsets, &offset)) {
            continue;
        }
        if (!list) {
            list = rd_kafka_topic_partition_list_new((int)a->count);
        }
        to = rd_kafka_topic_partition_list_add(list, p->topic, p->partition);
        to->offset = offset;
        set_metadata(to, wall_us);
    }
    return list;
}

void assign_untake(struct assign *a,
                   const rd_kafka_topic_partition_list_t *list, bool all)
{
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *from = &list->elems[i];
        struct part *p = assign_find(a, from->topic, from->partition);

        if (p && (all || from->err)) {
            offsets_untake(&p->offsets);
        }
    }
}

rd_kafka_topic_partition_list_t *assign_list(const struct assign *a)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)a->count);

    for (unsigned i = 0; i < a->count; i++) {
        (void)rd_kafka_topic_partition_list_add(list, a->parts[i].topic,
                                                a->parts[i].partition);
    }
    return list;
}

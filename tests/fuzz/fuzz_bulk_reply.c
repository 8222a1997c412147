/* links: sink_es_core */
/*
 * Any text as Elasticsearch's answer to a _bulk request of three actions and
 * a guard. Each action gets a verdict; an answer that does not match leaves
 * every one of them to be sent again; and only what the answer says about
 * that very action makes it DONE.
 */
#include "common/slice.h"
#include "sink-es/bulk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ACTIONS = 3 };

static struct shape_column column = {
    .name = (char[]){ "id" }, .class = SHAPE_TEXT, .typmod = -1, .key_index = 1
};
static const struct shape shape = { .schema = (char[]){ "public" },
                                    .name = (char[]){ "T" },
                                    .column_count = 1,
                                    .key_count = 1,
                                    .columns = &column };

static struct item item_of(enum event_op op, const char *key, uint64_t version)
{
    return (struct item){
        .version = version,
        .ev = { .op = op, .key = str_of(key), .after = STR("{}") }
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bulk_table table;
    struct item items[ACTIONS] = {
        item_of(EVENT_CREATE, "{\"id\":\"a\"}", 7),
        item_of(EVENT_DELETE, "{\"id\":\"b\"}", 8),
        item_of(EVENT_UPDATE, "{\"id\":\"c\"}", INT64_MAX),
    };
    struct bulk_action actions[ACTIONS];
    struct str answer = { (const char *)data, size };
    struct str list;
    struct buf scratch;
    int rc;

    if (!table.shape) {
        CHECK(bulk_table_init(&table, &shape, STR("t"), NULL) == 0);
    }
    for (unsigned i = 0; i < ACTIONS; i++) {
        actions[i] = (struct bulk_action){ &items[i], &table };
    }
    buf_init(&scratch, 1 << 20);
    rc = bulk_judge(answer, actions, ACTIONS, 1, &scratch);
    for (unsigned i = 0; i < ACTIONS; i++) {
        CHECK(memchr(items[i].why, '\0', sizeof(items[i].why)) != NULL);
        CHECK(items[i].verdict == VERDICT_DONE ||
              items[i].verdict == VERDICT_RETRY ||
              (rc == 0 && items[i].verdict == VERDICT_REJECT));
        CHECK(rc == 0 || items[i].verdict == VERDICT_RETRY);
    }
    if (rc == 0) { /* four elements, no more and no less */
        struct slice s;
        struct str element;
        unsigned count = 0;

        CHECK(slice_find(answer, STR("items"), &list) == SLICE_ITEM);
        CHECK(slice_array(&s, list));
        while (slice_element(&s, &element) == SLICE_ITEM) {
            count++;
        }
        CHECK(count == ACTIONS + 1);
    }
    buf_fini(&scratch);
    return 0;
}

/* links: sink_clickhouse_core */
/*
 * Any text as the row (or, after a leading '-', the key) of an event for a
 * table with a column of every class. A row is taken whole or not at all: a
 * refused one leaves the block as it was, and the next good row stands in it
 * as if nothing had been.
 */
#include "sink-clickhouse/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS = SHAPE_CLASS_COUNT + 2 };

static const char good_key[] = "{\"c8\":\"k\",\"c1\":7}";
static struct shape_column columns[COLUMNS];
static char names[COLUMNS][8];
static struct shape shape = { .schema = (char[]){ "public" },
                              .name = (char[]){ "T" },
                              .column_count = COLUMNS,
                              .key_count = 2,
                              .columns = columns };

static void shape_make(void)
{
    for (unsigned i = 0; i < COLUMNS; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "c%u", i);
        columns[i] = (struct shape_column){
            .name = names[i],
            .class = (enum shape_class)(i % SHAPE_CLASS_COUNT),
            .typmod = -1,
            .nullable = i % 3 != 0,
        };
    }
    columns[1].key_index = 2;
    columns[8].key_index = 1;
    /* a text key under c8, a Decimal where numeric stands, and an array */
    columns[8].class = SHAPE_TEXT;
    columns[SHAPE_NUMERIC].typmod = (38 << 16 | 10) + 4;
    columns[COLUMNS - 1].class = SHAPE_NUMERIC;
    columns[COLUMNS - 1].typmod = (76 << 16 | 76) + 4;
    columns[COLUMNS - 2].class = SHAPE_INT4;
    columns[COLUMNS - 2].array = true;
}

static void good_add(struct rows *r)
{
    struct event_view ev = { .op = EVENT_DELETE, .key = str_of(good_key) };
    struct err e;

    CHECK(rows_add(r, &ev, 1, &e) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rows rows, fresh;
    struct event_view ev = { .op = EVENT_CREATE };
    struct buf block, expected;
    struct err e = { 0 };
    struct str text = { (const char *)data, size };

    if (!rows.shape) {
        shape_make();
        CHECK(rows_init(&rows, &shape, &e) == 0);
        CHECK(rows_init(&fresh, &shape, &e) == 0);
        good_add(&fresh);
    }
    if (text.len > 0 && text.p[0] == '-') {
        ev.op = EVENT_DELETE;
        text = (struct str){ text.p + 1, text.len - 1 };
    }
    ev.key = ev.after = text;
    rows_reset(&rows);
    if (rows_add(&rows, &ev, 2, &e) == 0) {
        size_t bytes = rows_bytes(&rows);

        CHECK(rows.count == 1);
        for (unsigned i = 0; i < COLUMNS; i++) {
            CHECK(rows.columns[i].count == 1);
            CHECK(rows.columns[i].nulls.len ==
                  (rows.columns[i].type.nullable ? 1 : 0));
        }
        CHECK(bytes < 4096 + 32 * COLUMNS + 2 * size);
        return 0;
    }
    CHECK(e.kind == ERR_INPUT && e.text[0] != '\0');
    good_add(&rows);
    buf_init(&block, 1 << 20);
    buf_init(&expected, 1 << 20);
    rows_write(&rows, &block);
    rows_write(&fresh, &expected);
    CHECK(str_eq(buf_str(&block), buf_str(&expected)));
    buf_fini(&block);
    buf_fini(&expected);
    return 0;
}

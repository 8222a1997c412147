/* links: monitor_core */
/*
 * Any bytes as what a server sends to `validate`: the first byte says what
 * they are. A value (canon.h) of any class on any side; a page of
 * Elasticsearch; a stream of ClickHouse, which must mean the same whole and in
 * two pieces.
 */
#include "monitor/read_ch.h"
#include "monitor/read_es.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VALUES = CANON_SIDES * SHAPE_CLASS_COUNT * 2, PAGE, STREAM, KINDS };

static struct shape_column columns[] = {
    { .name = (char[]){ "id" },
      .type = (char[]){ "text" },
      .class = SHAPE_TEXT,
      .key_index = 1 },
    { .name = (char[]){ "v" },
      .type = (char[]){ "int4" },
      .class = SHAPE_INT4,
      .array = true },
};
static const struct shape shape = { .column_count = 2,
                                    .key_count = 1,
                                    .columns = columns };

/* What was read, as one number. */
static int on_row(void *arg, const struct canonrow *row, uint64_t version,
                  struct err *e)
{
    uint64_t *sum = arg;
    struct buf text;

    (void)e;
    buf_init(&text, 1000);
    canonrow_key_text(row, &text);
    CHECK(text.len <= CANONROW_KEY_TEXT_MAX + 3);
    buf_fini(&text);
    *sum = *sum * 31 + row->row_hash.lo + row->key_hash.hi + version;
    return 0;
}

static void value(unsigned kind, struct str raw)
{
    struct canon_column c = { .class = kind / CANON_SIDES / 2,
                              .array = kind / CANON_SIDES % 2 != 0,
                              .decimal = raw.len % 2 == 0,
                              .delimiter = ',' };
    enum canon_side side = kind % CANON_SIDES;
    enum canon_kind first, second;
    struct canon k;
    struct buf a, b;

    canon_init(&k);
    buf_init(&a, 1 << 24);
    buf_init(&b, 1 << 24);
    first = canon_value(&k, &a, &c, side, raw);
    second = canon_value(&k, &b, &c, side, raw);
    CHECK(first == second && str_eq(buf_str(&a), buf_str(&b)));
    CHECK(first != CANON_NULL || a.len == 0);
    buf_fini(&a);
    buf_fini(&b);
    canon_fini(&k);
}

static void page(struct str answer)
{
    struct read_es_page found;
    struct canonrow row;
    uint64_t sum = 0;
    struct reader to = { &row, on_row, &sum };
    struct err e = { 0 };

    canonrow_init(&row, &shape);
    if (read_es_page(answer, &to, &found, &e) < 0) {
        CHECK(e.kind == ERR_RETRY);
    } else {
        CHECK(found.count == 0 || found.sort.len > 0);
    }
    canonrow_fini(&row);
}

static uint64_t stream(const char *p, size_t len, size_t piece)
{
    const bool there[] = { true, true };
    struct canonrow row;
    uint64_t sum = 0;
    struct str fields[3];
    struct err e = { 0 };
    struct reader to = { &row, on_row, &sum };
    struct read_ch_stream s = {
        .to = &to, .columns = there, .fields = fields, .e = &e
    };

    canonrow_init(&row, &shape);
    buf_init(&s.line, 1 << 20);
    if (read_ch_piece(&s, p, piece)) {
        (void)read_ch_piece(&s, p + piece, len - piece);
    }
    CHECK(!s.failed || e.kind == ERR_RETRY);
    sum += s.failed;
    buf_fini(&s.line);
    canonrow_fini(&row);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned kind = size > 0 ? data[0] % KINDS : 0;
    struct str rest = { (const char *)data + (size > 0),
                        size > 0 ? size - 1 : 0 };

    if (size == 0) {
        return 0;
    }
    if (kind < VALUES) {
        value(kind, rest);
    } else if (kind == PAGE) {
        page(rest);
    } else {
        CHECK(stream(rest.p, rest.len, 0) ==
              stream(rest.p, rest.len, rest.len / 2));
    }
    return 0;
}

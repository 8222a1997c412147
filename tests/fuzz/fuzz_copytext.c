/* links: producer_core */
/*
 * Any bytes as a line of COPY. The first byte is the column count, the rest
 * the line. What is accepted, written as COPY writes it and read again, gives
 * the same values.
 */
#include "producer/copytext.h"

enum { LINE_BYTES_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void escape(struct buf *b, struct str value)
{
    static const char bytes[] = "\b\f\n\r\t\v\\";
    static const char letters[] = "bfnrtv\\";

    for (size_t n = 0; n < value.len; n++) {
        const char *at = memchr(bytes, value.p[n], sizeof(bytes) - 1);

        if (at != NULL) {
            buf_char(b, '\\');
            buf_char(b, letters[at - bytes]);
        } else {
            buf_char(b, value.p[n]);
        }
    }
}

static void write_line(struct buf *b, const struct pgo_tuple *tuple)
{
    for (unsigned n = 0; n < tuple->count; n++) {
        if (n > 0) {
            buf_char(b, '\t');
        }
        if (tuple->values[n].kind == PGO_NULL) {
            buf_lit(b, "\\N");
        } else {
            escape(b, tuple->values[n].text);
        }
    }
    buf_char(b, '\n');
}

static void check_same(const struct pgo_tuple *a, const struct pgo_tuple *b)
{
    CHECK(a->count == b->count);
    for (unsigned n = 0; n < a->count; n++) {
        CHECK(a->values[n].kind == b->values[n].kind);
        CHECK(str_eq(a->values[n].text, b->values[n].text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pgo_tuple first, second;
    struct buf line, again;
    struct err e = { 0 };

    if (size == 0) {
        return 0;
    }
    buf_init(&line, LINE_BYTES_MAX);
    buf_init(&again, 2 * LINE_BYTES_MAX);
    buf_add(&line, data + 1, size - 1);
    if (line.len > 0 &&
        copytext_read(line.p, line.len, data[0], &first, &e) == 0) {
        CHECK(first.count == data[0]);
        write_line(&again, &first);
        CHECK(copytext_read(again.p, again.len, data[0], &second, &e) == 0);
        check_same(&first, &second);
    }
    buf_fini(&line);
    buf_fini(&again);
    return 0;
}

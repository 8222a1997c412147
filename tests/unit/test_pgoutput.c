/* links: producer_core */
#include "producer/pgoutput.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A message is written as hex bytes and 'literal text', white space between:
   "49 00000001 4e 0001 74 00000002 'ab'". */
static unsigned nibble(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

static void assemble(struct buf *b, const char *text)
{
    while (*text != '\0') {
        if (*text == '\'') {
            for (text++; *text != '\''; text++) {
                buf_char(b, *text);
            }
            text++;
        } else if (*text == ' ') {
            text++;
        } else {
            buf_char(b, (char)(nibble(text[0]) << 4 | nibble(text[1])));
            text += 2;
        }
    }
}

static void show_tuple(struct buf *b, const char *name,
                       const struct pgo_tuple *tuple)
{
    buf_printf(b, " %s(", name);
    for (unsigned n = 0; n < tuple->count; n++) {
        const struct pgo_value *v = &tuple->values[n];

        buf_printf(b, "%s%c", n > 0 ? " " : "", (char)v->kind);
        if (v->kind == PGO_TEXT) {
            buf_printf(b, "=%.*s", STR_ARG(v->text));
        }
    }
    buf_char(b, ')');
}

static void show_relation(struct buf *b, const struct pgoutput *pgo,
                          const struct pgo_msg *m)
{
    buf_printf(b, "R %u '%.*s'.'%.*s' %c", m->oid, STR_ARG(m->schema),
               STR_ARG(m->name), m->identity);
    for (unsigned n = 0; n < m->column_count; n++) {
        const struct pgo_column *c = &pgo->columns[n];

        buf_printf(b, " %.*s:%u:%d%s", STR_ARG(c->name), c->type_oid, c->typmod,
                   c->identity ? ":id" : "");
    }
}

static void show_row(struct buf *b, const struct pgoutput *pgo,
                     const struct pgo_msg *m)
{
    buf_printf(b, "%c %u", (char)m->type, m->oid);
    if (m->has_old) {
        show_tuple(b, m->old_kind == 'K' ? "key" : "old", &pgo->old_row);
    }
    if (m->type != PGO_DELETE) {
        show_tuple(b, "new", &pgo->new_row);
    }
}

static void show(struct buf *b, const struct pgoutput *pgo,
                 const struct pgo_msg *m)
{
    switch (m->type) {
    case PGO_BEGIN:
        buf_printf(b, "B %" PRIx64 " %" PRId64 " %u", m->final_lsn,
                   m->commit_us, m->xid);
        break;
    case PGO_COMMIT:
        buf_printf(b, "C %" PRIx64 " %" PRIx64 " %" PRId64, m->final_lsn,
                   m->end_lsn, m->commit_us);
        break;
    case PGO_ORIGIN:
        buf_printf(b, "O %" PRIx64 " %.*s", m->message_lsn, STR_ARG(m->name));
        break;
    case PGO_RELATION: show_relation(b, pgo, m); break;
    case PGO_TYPE:
        buf_printf(b, "Y %u '%.*s'.'%.*s'", m->oid, STR_ARG(m->schema),
                   STR_ARG(m->name));
        break;
    case PGO_INSERT:
    case PGO_UPDATE:
    case PGO_DELETE: show_row(b, pgo, m); break;
    case PGO_TRUNCATE:
        buf_printf(b, "T %u", m->truncate_options);
        for (unsigned n = 0; n < m->truncate_count; n++) {
            buf_printf(b, " %u", pgo->truncated[n]);
        }
        break;
    case PGO_MESSAGE:
        buf_printf(b, "M %s %" PRIx64 " %.*s: %.*s",
                   m->transactional ? "tx" : "now", m->message_lsn,
                   STR_ARG(m->prefix), STR_ARG(m->content));
        break;
    }
}

static const struct {
    const char *message, *want;
} good[] = {
    { "42 0000000001951508 0000000000000000 000002dd",
      "B 1951508 946684800000000 733" },
    /* 2019-07-09 02:28:57.123456 UTC, and a moment before 1970 */
    { "42 ffffffffffffffff 0002303517620e80 ffffffff",
      "B ffffffffffffffff 1562639337123456 4294967295" },
    { "42 0000000000000010 fffc8d9f7f9d8000 00000003", NULL },
    { "43 00 0000000001951508 0000000001951538 0000000000000001",
      "C 1951508 1951538 946684800000001" },
    { "4f 00000000000000ff 'pub_a' 00", "O ff pub_a" },
    { "52 00004001 'public' 00 'User' 00 64 0002"
      "01 'id' 00 00000019 ffffffff"
      "00 'amount' 00 000006a4 000c0006",
      "R 16385 'public'.'User' d id:25:-1:id amount:1700:786438" },
    { "52 00000001 00 'pg_class' 00 66 0000", "R 1 ''.'pg_class' f" },
    { "59 00004002 'public' 00 'mood' 00", "Y 16386 'public'.'mood'" },
    { "49 00004001 4e 0003 74 00000002 'ab' 6e 74 00000000",
      "I 16385 new(t=ab n t=)" },
    { "49 00004001 4e 0000", "I 16385 new()" },
    { "55 00004001 4e 0002 74 00000001 '1' 75", "U 16385 new(t=1 u)" },
    { "55 00004001 4b 0002 74 00000001 '1' 6e 4e 0002 74 00000001 '2' 75",
      "U 16385 key(t=1 n) new(t=2 u)" },
    { "55 00004001 4f 0001 74 00000001 '1' 4e 0001 6e",
      "U 16385 old(t=1) new(n)" },
    { "44 00004001 4b 0001 74 00000001 '1'", "D 16385 key(t=1)" },
    { "44 00004001 4f 0001 74 00000001 '1'", "D 16385 old(t=1)" },
    { "54 00000002 03 00004001 00004002", "T 3 16385 16386" },
    { "4d 01 0000000001951508 'cdc' 00 00000005 'hello'",
      "M tx 1951508 cdc: hello" },
    { "4d 00 0000000000000001 00 00000000", "M now 1 : " },
};

static const struct {
    const char *message, *want;
} bad[] = {
    { "", "byte 0 of 0: the message ends too early" },
    { "5a", "'Z' (0x5a), byte 0 of 1: an unknown type" },
    { "00 00", "'?' (0x00), byte 0 of 2: an unknown type" },
    /* streaming and two-phase messages were not asked for */
    { "53 00000001 01", "'S' (0x53), byte 0 of 6: an unknown type" },
    { "42 0000000001951508 0000000000000000 000002",
      "'B' (0x42), byte 17 of 20: the message ends too early" },
    { "42 0000000001951508 0000000000000000 000002dd 00",
      "byte 21 of 22: bytes behind the end" },
    { "42 0000000001951508 7fffffffffffffff 000002dd",
      "byte 9 of 21: a time out of range" },
    { "43 01 0000000001951508 0000000001951538 0000000000000001",
      "byte 1 of 26: unknown flags of a commit" },
    { "4f 00000000000000ff 'pub_a'", "byte 9 of 14: a string has no end" },
    { "52 00004001 'public' 00 'User' 00 78 0000",
      "byte 17 of 20: an unknown replica identity" },
    { "52 00004001 'public' 00 'User' 00 64 0681",
      "byte 18 of 20: more columns" },
    { "52 00004001 'public' 00 'User' 00 64 0001 01 'id' 00 00000019 ffff",
      "byte 28 of 30: the message ends too early" },
    { "52 00004001 'public' 00 'User' 00 64 0001 01 'id'",
      "byte 21 of 23: a string has no end" },
    { "52 00004001", "byte 5 of 5: the message ends too early" },
    { "49 00004001 4e 0681", "byte 6 of 8: more columns" },
    { "49 00004001 4e ffff", "byte 6 of 8: more columns" },
    { "49 00004001 4e 0001", "byte 8 of 8: the message ends too early" },
    { "49 00004001 4e 0001 74 00000003 'ab'",
      "byte 13 of 15: the message ends too early" },
    { "49 00004001 4e 0001 74 ffffffff 'ab'",
      "byte 13 of 15: the message ends too early" },
    { "49 00004001 4e 0001 62 00000002 'ab'", "byte 8 of 15: a binary value" },
    { "49 00004001 4e 0001 78", "byte 8 of 9: an unknown kind of value" },
    { "49 00004001 4b 0001 6e", "byte 5 of 9: the new row is missing" },
    { "49 00004001 4e 0001 6e 6e", "byte 9 of 10: bytes behind the end" },
    { "55 00004001 4b 0001 6e", "byte 9 of 9: the message ends too early" },
    { "55 00004001 4b 0001 6e 4b 0001 6e", "byte 9 of 13: the new row" },
    { "55 00004001 58", "byte 5 of 6: neither an old nor a new row" },
    { "44 00004001 4e 0001 6e", "byte 5 of 9: neither an old nor a new" },
    { "54 00010001 00", "byte 1 of 6: too many tables" },
    { "54 ffffffff 00", "byte 1 of 6: too many tables" },
    { "54 00000002 00 00004001", "byte 10 of 10: the message ends too early" },
    { "4d 02 0000000000000001 00 00000000", "byte 1 of 15: unknown flags" },
    { "4d 01 0000000000000001 'a' 00 00000002 'b'",
      "byte 16 of 17: the message ends too early" },
};

static void test_good(void **state)
{
    struct pgoutput *pgo = xcalloc(1, sizeof(*pgo));

    (void)state;
    for (size_t n = 0; n < COUNT_OF(good); n++) {
        struct buf bytes, shown;
        struct pgo_msg m;
        struct err e = { 0 };

        buf_init(&bytes, 4096);
        buf_init(&shown, 4096);
        assemble(&bytes, good[n].message);
        if (pgoutput_decode(pgo, buf_str(&bytes), &m, &e) < 0) {
            fail_msg("%s: %s", good[n].message, e.text);
        }
        show(&shown, pgo, &m);
        if (good[n].want != NULL) {
            assert_string_equal(buf_z(&shown), good[n].want);
        } else {
            assert_true(m.commit_us < 0);
        }
        buf_fini(&bytes);
        buf_fini(&shown);
    }
    xfree(pgo);
}

static void test_bad(void **state)
{
    struct pgoutput *pgo = xcalloc(1, sizeof(*pgo));

    (void)state;
    for (size_t n = 0; n < COUNT_OF(bad); n++) {
        struct buf bytes;
        struct pgo_msg m = { .xid = 42 };
        struct err e = { 0 };

        buf_init(&bytes, 4096);
        assemble(&bytes, bad[n].message);
        if (pgoutput_decode(pgo, buf_str(&bytes), &m, &e) == 0) {
            fail_msg("accepted: %s", bad[n].message);
        }
        assert_int_equal(e.kind, ERR_FATAL);
        if (strstr(e.text, bad[n].want) == NULL) {
            fail_msg("%s: got \"%s\", want \"%s\"", bad[n].message, e.text,
                     bad[n].want);
        }
        assert_int_equal(m.xid, 42); /* untouched on failure */
        buf_fini(&bytes);
    }
    xfree(pgo);
}

/* No proper beginning of a good message is a message, nor is one with a byte
   more. Each is put into memory of just its size, for ASan. */
static void test_cut_anywhere(void **state)
{
    struct pgoutput *pgo = xcalloc(1, sizeof(*pgo));

    (void)state;
    for (size_t n = 0; n < COUNT_OF(good); n++) {
        struct buf bytes;

        buf_init(&bytes, 4096);
        assemble(&bytes, good[n].message);
        buf_char(&bytes, 'x');
        for (size_t len = 0; len <= bytes.len; len++) {
            struct pgo_msg m;
            struct err e = { 0 };
            char *copy = xcalloc(len, 1);
            const bool whole = len == bytes.len - 1;

            memcpy(copy, bytes.p, len);
            assert_int_equal(
                pgoutput_decode(pgo, (struct str){ copy, len }, &m, &e),
                whole ? 0 : -1);
            xfree(copy);
        }
        buf_fini(&bytes);
    }
    xfree(pgo);
}

/* The widest row, relation and truncate that the limits allow. */
static void test_widest(void **state)
{
    struct pgoutput *pgo = xcalloc(1, sizeof(*pgo));
    struct pgo_msg m;
    struct err e = { 0 };
    struct buf bytes;

    (void)state;
    buf_init(&bytes, 1 << 20);
    assemble(&bytes, "49 00004001 4e 0680");
    for (unsigned n = 0; n < SHAPE_COLUMNS_MAX; n++) {
        buf_char(&bytes, 'n');
    }
    assert_int_equal(pgoutput_decode(pgo, buf_str(&bytes), &m, &e), 0);
    assert_int_equal(pgo->new_row.count, SHAPE_COLUMNS_MAX);

    buf_reset(&bytes);
    assemble(&bytes, "52 00004001 00 00 64 0680");
    for (unsigned n = 0; n < SHAPE_COLUMNS_MAX; n++) {
        assemble(&bytes, "00 'c' 00 00000019 ffffffff");
    }
    assert_int_equal(pgoutput_decode(pgo, buf_str(&bytes), &m, &e), 0);
    assert_int_equal(m.column_count, SHAPE_COLUMNS_MAX);

    buf_reset(&bytes);
    assemble(&bytes, "54 00010000 00");
    for (unsigned n = 0; n < PGO_TRUNCATE_MAX; n++) {
        assemble(&bytes, "00004001");
    }
    assert_int_equal(pgoutput_decode(pgo, buf_str(&bytes), &m, &e), 0);
    assert_int_equal(m.truncate_count, PGO_TRUNCATE_MAX);
    buf_fini(&bytes);
    xfree(pgo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_widest),
    };

    return cmocka_run_group_tests_name("pgoutput", tests, NULL, NULL);
}

/* links: producer_core */
/*
 * Any bytes as a pgoutput message: decoded whole or refused with a position;
 * every view lies inside the message.
 */
#include "producer/pgoutput.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct str s, struct str message)
{
    if (s.len > 0) {
        CHECK(s.p >= message.p && s.len <= message.len);
        CHECK((size_t)(s.p - message.p) <= message.len - s.len);
    }
}

static void check_tuple(const struct pgo_tuple *tuple, struct str message)
{
    CHECK(tuple->count <= SHAPE_COLUMNS_MAX);
    for (unsigned n = 0; n < tuple->count; n++) {
        const struct pgo_value *v = &tuple->values[n];

        CHECK(v->kind == PGO_TEXT || v->kind == PGO_NULL ||
              v->kind == PGO_UNCHANGED);
        check_inside(v->text, message);
    }
}

static void check_message(const struct pgoutput *pgo, const struct pgo_msg *m,
                          struct str message)
{
    check_inside(m->schema, message);
    check_inside(m->name, message);
    check_inside(m->prefix, message);
    check_inside(m->content, message);
    CHECK(m->column_count <= SHAPE_COLUMNS_MAX);
    for (unsigned n = 0; n < m->column_count; n++) {
        check_inside(pgo->columns[n].name, message);
    }
    if (m->has_old) {
        check_tuple(&pgo->old_row, message);
    }
    if (m->type == PGO_INSERT || m->type == PGO_UPDATE) {
        check_tuple(&pgo->new_row, message);
    }
    CHECK(m->truncate_count <= PGO_TRUNCATE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pgoutput pgo;
    const struct str message = { (const char *)data, size };
    struct pgo_msg m;
    struct err e = { 0 };

    if (pgoutput_decode(&pgo, message, &m, &e) == 0) {
        check_message(&pgo, &m, message);
    } else {
        CHECK(e.kind == ERR_FATAL && strstr(e.text, "byte ") != NULL);
    }
    return 0;
}

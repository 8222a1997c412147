#include "producer/row.h"

enum { CULPRIT_BYTES_MAX = 1 << 30 };

/* The value of a column, looked up in the old tuple when it did not change. */
static const struct pgo_value *value_of(const struct pgo_tuple *row,
                                        const struct pgo_tuple *fallback,
                                        unsigned column)
{
    const struct pgo_value *v = &row->values[column];

    if (v->kind == PGO_UNCHANGED && fallback && column < fallback->count) {
        v = &fallback->values[column];
    }
    return v;
}

static void value_write(struct buf *b, const struct pgtype *type,
                        const struct pgo_value *v)
{
    switch (v->kind) {
    case PGO_NULL: buf_lit(b, "null"); break;
    case PGO_TEXT: pgtype_write(b, type, v->text); break;
    case PGO_UNCHANGED: b->failed = true; break;
    }
}

void row_key(struct buf *b, const struct relation *rel,
             const struct pgo_tuple *row)
{
    char before = '{';

    for (unsigned k = 0; k < rel->shape.key_count; k++) {
        unsigned i = rel->key_columns[k];

        if (row->values[i].kind != PGO_TEXT) {
            b->failed = true;
            return;
        }
        buf_char(b, before);
        buf_str_add(b, rel->columns[i].member);
        pgtype_write(b, &rel->columns[i].type, row->values[i].text);
        before = ',';
    }
    buf_char(b, '}');
}

void row_write(struct buf *b, const struct relation *rel,
               const struct pgo_tuple *row, const struct pgo_tuple *fallback)
{
    char before = '{';

    if (rel->shape.column_count == 0) {
        buf_char(b, before);
    }
    for (unsigned i = 0; i < rel->shape.column_count; i++) {
        buf_char(b, before);
        buf_str_add(b, rel->columns[i].member);
        value_write(b, &rel->columns[i].type, value_of(row, fallback, i));
        before = ',';
    }
    buf_char(b, '}');
}

int row_unchanged(const struct relation *rel, const struct pgo_tuple *row,
                  const struct pgo_tuple *fallback)
{
    for (unsigned i = 0; i < rel->shape.column_count; i++) {
        if (value_of(row, fallback, i)->kind == PGO_UNCHANGED) {
            return (int)i;
        }
    }
    return -1;
}

bool row_same_key(const struct relation *rel, const struct pgo_tuple *row,
                  const struct pgo_tuple *old)
{
    for (unsigned k = 0; k < rel->shape.key_count; k++) {
        const struct pgo_value *was = &old->values[rel->key_columns[k]];
        const struct pgo_value *is = value_of(row, old, rel->key_columns[k]);

        if (was->kind != is->kind || !str_eq(was->text, is->text)) {
            return false;
        }
    }
    return true;
}

int row_culprit(const struct relation *rel, const struct pgo_tuple *row,
                const struct pgo_tuple *fallback)
{
    int culprit = -1;
    struct buf b;

    buf_init(&b, CULPRIT_BYTES_MAX);
    for (unsigned i = 0; culprit < 0 && i < rel->shape.column_count; i++) {
        buf_reset(&b);
        value_write(&b, &rel->columns[i].type, value_of(row, fallback, i));
        if (!buf_ok(&b)) {
            culprit = (int)i;
        }
    }
    buf_fini(&b);
    return culprit;
}

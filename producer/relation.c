#include "producer/relation.h"

#include "common/json.h"

static char *copy_z(const struct buf *b)
{
    return xstrndup(b->p, b->len);
}

static void names_fill(struct relation *rel, const struct catalog_table *t,
                       const struct relation_place *place)
{
    struct buf b;

    buf_init(&b, 1024);
    event_topic(&b, place->prefix, str_of(t->schema), str_of(t->name));
    rel->shape.topic = copy_z(&b);
    buf_reset(&b);
    buf_printf(&b, "%s.%s", t->schema, t->name);
    rel->label = copy_z(&b);
    buf_fini(&b);
    rel->shape.schema = xstrdup(t->schema);
    rel->shape.name = xstrdup(t->name);
    rel->shape.profile = xstrdup("sink");
    event_table_init(&rel->head, place->prefix, place->db, str_of(t->schema),
                     str_of(t->name));
}

static void columns_fill(struct relation *rel, const struct catalog_table *t)
{
    rel->shape.columns = xcalloc(t->column_count, sizeof(struct shape_column));
    rel->columns = xcalloc(t->column_count, sizeof(struct relation_column));
    for (unsigned i = 0; i < t->column_count; i++) {
        const struct catalog_column *c = &t->columns[i];
        unsigned n = rel->shape.column_count;

        if (c->generated) {
            continue;
        }
        rel->columns[n].type = c->type;
        rel->shape.columns[n] = (struct shape_column){
            .name = xstrdup(c->name),
            .type = xstrdup(c->type_name),
            .class = c->type.class,
            .array = c->type.array,
            .nullable = c->nullable,
            .typmod = c->typmod,
            .key_index = c->key_index,
        };
        rel->shape.column_count++;
    }
}

/* The members' names, escaped once. Offsets first: the buffer may move. */
static int fragments_fill(struct relation *rel, struct err *e)
{
    struct buf b;
    size_t *ends = xcalloc(rel->shape.column_count, sizeof(*ends));

    buf_init(&b, 16 << 20);
    for (unsigned i = 0; i < rel->shape.column_count; i++) {
        json_string(&b, str_of(rel->shape.columns[i].name));
        buf_char(&b, ':');
        ends[i] = b.len;
    }
    bool ok = buf_ok(&b);
    rel->fragments = copy_z(&b);
    buf_fini(&b);
    for (unsigned i = 0; ok && i < rel->shape.column_count; i++) {
        size_t start = i > 0 ? ends[i - 1] : 0;

        rel->columns[i].member =
            (struct str){ rel->fragments + start, ends[i] - start };
    }
    xfree(ends);
    if (!ok) {
        return err_set(e, ERR_INPUT, "table %s: a column name is not UTF-8",
                       rel->label);
    }
    return 0;
}

static void key_fill(struct relation *rel)
{
    rel->key_columns =
        xcalloc(rel->shape.column_count, sizeof(*rel->key_columns));
    for (unsigned i = 0; i < rel->shape.column_count; i++) {
        unsigned at = rel->shape.columns[i].key_index;

        if (at > 0 && at <= rel->shape.column_count) {
            rel->key_columns[at - 1] = i;
        }
    }
}

int relation_new(const struct catalog_table *t,
                 const struct relation_place *place,
                 struct relation **ret_relation, struct err *e)
{
    struct relation *rel = xcalloc(1, sizeof(*rel));

    names_fill(rel, t, place);
    columns_fill(rel, t);
    if (fragments_fill(rel, e) < 0) {
        relation_free(rel);
        return -1;
    }
    key_fill(rel);
    shape_seal(&rel->shape);
    *ret_relation = rel;
    return 0;
}

void relation_free(struct relation *rel)
{
    if (rel == NULL) {
        return;
    }
    shape_fini(&rel->shape);
    event_table_fini(&rel->head);
    xfree(rel->label);
    xfree(rel->fragments);
    xfree(rel->columns);
    xfree(rel->key_columns);
    xfree(rel);
}

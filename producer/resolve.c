#include "producer/resolve.h"

static const struct catalog_column *
column_find(const struct catalog_table *cat, struct str name, uint32_t type_oid)
{
    for (unsigned i = 0; i < cat->column_count; i++) {
        const struct catalog_column *c = &cat->columns[i];

        if (c->type_oid == type_oid && str_eq(str_of(c->name), name)) {
            return c;
        }
    }
    return NULL;
}

/* One column as the message has it, completed from the catalog. */
static int column_fill(PGconn *conn, const struct pgo_column *from,
                       const struct catalog_table *cat,
                       struct catalog_column *c, struct err *e)
{
    const struct catalog_column *known =
        column_find(cat, from->name, from->type_oid);

    c->name = xstrndup(from->name.p, from->name.len);
    c->type_oid = from->type_oid;
    c->typmod = from->typmod;
    c->nullable = true;
    if (known == NULL) {
        return catalog_type(conn, from->type_oid, &c->type, &c->type_name,
                            &c->typmod, e);
    }
    c->type = known->type;
    c->type_name = xstrdup(known->type_name);
    c->nullable = known->nullable;
    if (c->typmod == -1) {
        c->typmod = known->typmod; /* a domain's own */
    }
    return 0;
}

/* The key is pinned to what the topic was filled with. */
static int key_fill(struct catalog_table *rel, const struct table *t,
                    struct err *e)
{
    for (unsigned k = 0; k < t->key_count; k++) {
        bool there = false;

        for (unsigned i = 0; i < rel->column_count; i++) {
            if (strcmp(rel->columns[i].name, t->key[k]) == 0) {
                rel->columns[i].key_index = k + 1;
                rel->columns[i].nullable = false;
                there = true;
            }
        }
        if (!there) {
            return err_set(e, ERR_FATAL,
                           "table %s: its key column \"%s\" is gone: a new"
                           " key is not supported yet",
                           t->label, t->key[k]);
        }
    }
    rel->key_count = t->key_count;
    return 0;
}

static int same_name(const struct pgo_msg *msg, const struct table *t,
                     struct err *e)
{
    if (str_eq(msg->schema, str_of(t->schema)) &&
        str_eq(msg->name, str_of(t->name))) {
        return 0;
    }
    return err_set(e, ERR_FATAL,
                   "table %s is now called %.*s.%.*s: renaming is not"
                   " supported yet; rename it back",
                   t->label, STR_ARG(msg->schema), STR_ARG(msg->name));
}

int resolve_relation(PGconn *conn, const struct pgoutput *pgo,
                     const struct pgo_msg *msg, const struct table *t,
                     const struct relation_place *place,
                     struct relation **ret_relation, struct err *e)
{
    struct catalog_table cat = { 0 }, rel = { 0 };
    bool found = false;
    int rc = -1;

    if (same_name(msg, t, e) < 0) {
        return -1;
    }
    if (catalog_read(conn, msg->oid, &cat, &found, e) < 0) {
        return -1;
    }
    if (found && !table_same_key(t, &cat)) {
        /* rows that follow may still be of the old key; were they not, the
           new key's updates could not be told apart */
        (void)err_set(e, ERR_FATAL,
                      "table %s: its key changed: not supported yet; restore"
                      " the key, or start with another CDC_NAME",
                      t->label);
        goto out;
    }
    rel.oid = msg->oid;
    rel.schema = xstrdup(t->schema);
    rel.name = xstrdup(t->name);
    rel.columns = xcalloc(msg->column_count, sizeof(*rel.columns));
    for (unsigned i = 0; i < msg->column_count; i++) {
        rel.column_count++;
        if (column_fill(conn, &pgo->columns[i], &cat, &rel.columns[i], e) < 0) {
            goto out;
        }
    }
    if (key_fill(&rel, t, e) < 0) {
        goto out;
    }
    rc = relation_new(&rel, place, ret_relation, e);
out:
    catalog_table_fini(&rel);
    catalog_table_fini(&cat);
    return rc;
}

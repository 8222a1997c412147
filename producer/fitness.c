#include "producer/fitness.h"

/* The stream leaves generated columns out: a key that has one is not whole. */
static bool key_generated(const struct catalog_table *cat)
{
    for (unsigned i = 0; i < cat->column_count; i++) {
        if (cat->columns[i].key_index > 0 && cat->columns[i].generated) {
            return true;
        }
    }
    return false;
}

/* What this role may not do with it: it would stop at the first attempt, and
   all other tables with it. */
static void unpermitted(const struct catalog_table *cat, bool in_publication,
                        const char *role, struct buf *why)
{
    if (!cat->readable) {
        buf_printf(why, "role %s may not read it; run: GRANT USAGE ON SCHEMA ",
                   role);
        pgconn_ident(why, str_of(cat->schema));
        buf_lit(why, " TO ");
        pgconn_ident(why, str_of(role));
        buf_lit(why, "; GRANT SELECT ON ");
        pgconn_table(why, cat->schema, cat->name);
        buf_lit(why, " TO ");
        pgconn_ident(why, str_of(role));
    } else if (cat->row_security) {
        buf_printf(why,
                   "row security hides rows of it from role %s; run:"
                   " ALTER ROLE ",
                   role);
        pgconn_ident(why, str_of(role));
        buf_lit(why, " BYPASSRLS");
    } else if (!cat->owned && !in_publication) {
        buf_printf(why,
                   "only its owner may publish it, and role %s is not;"
                   " run: ALTER TABLE ",
                   role);
        pgconn_table(why, cat->schema, cat->name);
        buf_lit(why, " OWNER TO ");
        pgconn_ident(why, str_of(role));
        buf_lit(why, ", or add it to the publication as a superuser");
    }
}

bool fitness_judge(const struct catalog_table *cat, bool in_publication,
                   const char *role, struct buf *why)
{
    size_t before = why->len;

    if (cat->persistence != 'p') {
        buf_lit(why, "it is unlogged, so its changes are not in the WAL;"
                     " run: ALTER TABLE ");
        pgconn_table(why, cat->schema, cat->name);
        buf_lit(why, " SET LOGGED");
    } else if (cat->identity == 'n') {
        buf_lit(why, "REPLICA IDENTITY NOTHING makes its updates fail once"
                     " published; run: ALTER TABLE ");
        pgconn_table(why, cat->schema, cat->name);
        buf_lit(why, " REPLICA IDENTITY DEFAULT");
    } else if (cat->key_count == 0) {
        buf_lit(why, "it has no primary key; run: ALTER TABLE ");
        pgconn_table(why, cat->schema, cat->name);
        buf_lit(why, " ADD PRIMARY KEY (...)");
    } else if (cat->deferrable) {
        buf_lit(why, "its key is DEFERRABLE, so one transaction may hold a"
                     " key twice; make the constraint NOT DEFERRABLE on ");
        pgconn_table(why, cat->schema, cat->name);
    } else if (key_generated(cat)) {
        buf_lit(why, "its key has a generated column, which the WAL lacks;"
                     " choose another unique index with ALTER TABLE ");
        pgconn_table(why, cat->schema, cat->name);
        buf_lit(why, " REPLICA IDENTITY USING INDEX ...");
    } else {
        unpermitted(cat, in_publication, role, why);
    }
    return why->len == before;
}

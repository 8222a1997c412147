#include "producer/catalog.h"

#include <inttypes.h>

/*
 * Follows domains to their base type and arrays to their element:
 *   want    the type asked for
 *   oid     where the walk stands; the deepest row is the answer
 *   arr     an array was passed; typmod: the first domain's that has one
 * A true array is one that array_out prints. int2vector and oidvector have
 * an element type, typlen -1 and array_subscript_handler too, but a text form
 * of their own.
 */
#define TYPE_WALK(wanted)                                                 \
    "walk AS ("                                                           \
    "SELECT t.oid AS want, t.oid, false AS arr, -1 AS typmod, 0 AS depth" \
    " FROM pg_catalog.pg_type t WHERE t.oid IN (" wanted ")"              \
    " UNION ALL SELECT w.want,"                                           \
    " CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END,"   \
    " w.arr OR t.typtype <> 'd',"                                         \
    " CASE WHEN w.typmod = -1 AND t.typtype = 'd' THEN t.typtypmod"       \
    " ELSE w.typmod END, w.depth + 1"                                     \
    " FROM walk w JOIN pg_catalog.pg_type t ON t.oid = w.oid"             \
    " WHERE t.typtype = 'd' OR (NOT w.arr AND t.typoutput ="              \
    " 'pg_catalog.array_out'::pg_catalog.regproc)),"                      \
    "typ AS (SELECT DISTINCT ON (w.want) w.want, w.arr, w.typmod,"        \
    " n.nspname, t.typname, t.typtype, t.typdelim, t.typcategory"         \
    " FROM walk w JOIN pg_catalog.pg_type t ON t.oid = w.oid"             \
    " JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"           \
    " ORDER BY w.want, w.depth DESC)"

/* The index whose columns are the event's key: the primary key, or the
   replica identity's index under USING INDEX (DESIGN 2, Key). */
#define KEY_INDEX                                                           \
    " LEFT JOIN LATERAL (SELECT i.indkey, i.indnkeyatts, i.indimmediate"    \
    " FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisvalid" \
    " AND CASE WHEN c.relreplident = 'i' THEN i.indisreplident"             \
    " ELSE i.indisprimary END LIMIT 1) k ON true"

static const char TABLE_SQL[] = "WITH RECURSIVE " TYPE_WALK(
    "SELECT a.atttypid FROM pg_catalog.pg_attribute a"
    " WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0"
    " AND NOT a.attisdropped") " SELECT n.nspname, c.relname, c.relkind, "
                               "c.relpersistence,"
                               " c.relreplident, k.indimmediate IS FALSE,"
                               " pg_catalog.pg_has_role(c.relowner, 'USAGE'),"
                               " pg_catalog.has_table_privilege(c.oid, "
                               "'SELECT') AND "
                               "pg_catalog.has_schema_privilege(n.oid, "
                               "'USAGE'),"
                               " pg_catalog.row_security_active(c.oid),"
                               " a.attname, a.atttypid, a.atttypmod, "
                               "typ.typmod, NOT a.attnotnull,"
                               " a.attgenerated <> '',"
                               " coalesce((SELECT o FROM "
                               "pg_catalog.generate_series(1, k.indnkeyatts) o"
                               " WHERE k.indkey[o - 1] = a.attnum), 0),"
                               " typ.arr, typ.nspname, typ.typname, "
                               "typ.typtype, typ.typdelim"
                               " FROM pg_catalog.pg_class c"
                               " JOIN pg_catalog.pg_namespace n ON n.oid = "
                               "c.relnamespace" KEY_INDEX
                               " LEFT JOIN pg_catalog.pg_attribute a ON "
                               "a.attrelid = c.oid"
                               " AND a.attnum > 0 AND NOT a.attisdropped"
                               " LEFT JOIN typ ON typ.want = a.atttypid"
                               " WHERE c.oid = $1::pg_catalog.oid ORDER BY "
                               "a.attnum";

/* The columns of TABLE_SQL. */
enum {
    T_SCHEMA,
    T_NAME,
    T_KIND,
    T_PERSISTENCE,
    T_IDENTITY,
    T_DEFERRABLE,
    T_OWNED,
    T_READABLE,
    T_ROW_SECURITY,
    T_COLUMN,
    T_TYPE,
    T_TYPMOD,
    T_DOMAIN_TYPMOD,
    T_NULLABLE,
    T_GENERATED,
    T_KEY,
    T_TYP, /* the five columns type_read takes begin here */
};

static const char LIST_SQL[] =
    "SELECT c.oid, n.nspname, c.relname,"
    " k.indimmediate IS TRUE AND c.relreplident <> 'n',"
    " EXISTS (SELECT 1 FROM pg_catalog.pg_publication_rel r"
    " JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid"
    " WHERE r.prrelid = c.oid AND p.pubname = $1)"
    " FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace" KEY_INDEX
    " WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'"
    " AND NOT c.relispartition AND n.nspname <> 'information_schema'"
    " AND n.nspname !~ '^pg_'"
    " AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d"
    " WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass"
    " AND d.objid = c.oid AND d.deptype = 'e')"
    " ORDER BY n.nspname, c.relname";

static const char TYPE_SQL[] = "WITH RECURSIVE " TYPE_WALK(
    "$1::pg_catalog.oid") " SELECT typmod, arr, nspname, typname, typtype, "
                          "typdelim FROM typ";

static bool is_true(const PGresult *res, int row, int column)
{
    return PQgetvalue(res, row, column)[0] == 't';
}

static uint32_t get_u32(const PGresult *res, int row, int column)
{
    return (uint32_t)strtoul(PQgetvalue(res, row, column), NULL, 10);
}

static int32_t get_i32(const PGresult *res, int row, int column)
{
    return (int32_t)strtoll(PQgetvalue(res, row, column), NULL, 10);
}

/* The five columns arr, nspname, typname, typtype, typdelim at `at`. */
static struct pgtype type_read(const PGresult *res, int row, int at,
                               char **ret_name)
{
    struct pgtype_catalog c = {
        .array = is_true(res, row, at),
        .schema = PQgetvalue(res, row, at + 1),
        .name = PQgetvalue(res, row, at + 2),
        .typtype = PQgetvalue(res, row, at + 3)[0],
        .delimiter = PQgetvalue(res, row, at + 4)[0],
    };
    struct buf name;

    buf_init(&name, 1024);
    if (strcmp(c.schema, "pg_catalog") != 0) {
        buf_printf(&name, "%s.", c.schema);
    }
    buf_printf(&name, "%s", c.name);
    *ret_name = xstrdup(buf_z(&name));
    buf_fini(&name);
    return pgtype_of(&c);
}

static void column_read(const PGresult *res, int row, struct catalog_column *c)
{
    c->name = xstrdup(PQgetvalue(res, row, T_COLUMN));
    c->type_oid = get_u32(res, row, T_TYPE);
    c->typmod = get_i32(res, row, T_TYPMOD);
    if (c->typmod == -1) {
        c->typmod = get_i32(res, row, T_DOMAIN_TYPMOD);
    }
    c->nullable = is_true(res, row, T_NULLABLE);
    c->generated = is_true(res, row, T_GENERATED);
    c->key_index = get_u32(res, row, T_KEY);
    c->type = type_read(res, row, T_TYP, &c->type_name);
}

static void table_read(const PGresult *res, struct catalog_table *t)
{
    int rows = PQntuples(res);

    t->schema = xstrdup(PQgetvalue(res, 0, T_SCHEMA));
    t->name = xstrdup(PQgetvalue(res, 0, T_NAME));
    t->kind = PQgetvalue(res, 0, T_KIND)[0];
    t->persistence = PQgetvalue(res, 0, T_PERSISTENCE)[0];
    t->identity = PQgetvalue(res, 0, T_IDENTITY)[0];
    t->deferrable = is_true(res, 0, T_DEFERRABLE);
    t->owned = is_true(res, 0, T_OWNED);
    t->readable = is_true(res, 0, T_READABLE);
    t->row_security = is_true(res, 0, T_ROW_SECURITY);
    t->columns = xcalloc((size_t)rows, sizeof(*t->columns));
    for (int row = 0; row < rows; row++) {
        if (PQgetisnull(res, row, T_COLUMN)) {
            break; /* a table without columns */
        }
        struct catalog_column *c = &t->columns[t->column_count++];
        column_read(res, row, c);
        if (c->key_index > 0) {
            t->key_count++;
        }
    }
}

int catalog_read(PGconn *conn, uint32_t oid, struct catalog_table *ret_table,
                 bool *ret_found, struct err *e)
{
    char text[16];
    const char *params[] = { text };
    PGresult *res = NULL;

    (void)snprintf(text, sizeof(text), "%" PRIu32, oid);
    if (pgconn_query(conn, TABLE_SQL, params, 1, CATALOG_TIMEOUT_MS, &res, e) <
        0) {
        return err_wrap(e, "reading the catalog");
    }
    *ret_found = PQntuples(res) > 0;
    if (*ret_found) {
        *ret_table = (struct catalog_table){ .oid = oid };
        table_read(res, ret_table);
    }
    PQclear(res);
    return 0;
}

void catalog_table_fini(struct catalog_table *t)
{
    for (unsigned i = 0; t->columns && i < t->column_count; i++) {
        xfree(t->columns[i].name);
        xfree(t->columns[i].type_name);
    }
    xfree(t->columns);
    xfree(t->schema);
    xfree(t->name);
    *t = (struct catalog_table){ 0 };
}

int catalog_list(PGconn *conn, const char *publication,
                 struct catalog_entry **ret_entries, unsigned *ret_count,
                 struct err *e)
{
    const char *params[] = { publication };
    PGresult *res = NULL;

    if (pgconn_query(conn, LIST_SQL, params, 1, CATALOG_TIMEOUT_MS, &res, e) <
        0) {
        return err_wrap(e, "listing tables");
    }
    unsigned count = (unsigned)PQntuples(res);
    struct catalog_entry *entries = xcalloc(count, sizeof(*entries));
    for (unsigned i = 0; i < count; i++) {
        entries[i] = (struct catalog_entry){
            .oid = get_u32(res, (int)i, 0),
            .schema = xstrdup(PQgetvalue(res, (int)i, 1)),
            .name = xstrdup(PQgetvalue(res, (int)i, 2)),
            .keyed = is_true(res, (int)i, 3),
            .in_publication = is_true(res, (int)i, 4),
        };
    }
    PQclear(res);
    *ret_entries = entries;
    *ret_count = count;
    return 0;
}

void catalog_list_free(struct catalog_entry *entries, unsigned count)
{
    for (unsigned i = 0; entries && i < count; i++) {
        xfree(entries[i].schema);
        xfree(entries[i].name);
    }
    xfree(entries);
}

int catalog_type(PGconn *conn, uint32_t oid, struct pgtype *ret_type,
                 char **ret_name, int32_t *typmod, struct err *e)
{
    char text[16];
    const char *params[] = { text };
    PGresult *res = NULL;

    (void)snprintf(text, sizeof(text), "%" PRIu32, oid);
    if (pgconn_query(conn, TYPE_SQL, params, 1, CATALOG_TIMEOUT_MS, &res, e) <
        0) {
        return err_wrap(e, "reading type %" PRIu32, oid);
    }
    if (PQntuples(res) == 0) {
        *ret_type = (struct pgtype){ .class = SHAPE_OTHER };
        *ret_name = xstrdup("unknown");
    } else {
        if (*typmod == -1) {
            *typmod = get_i32(res, 0, 0);
        }
        *ret_type = type_read(res, 0, 1, ret_name);
    }
    PQclear(res);
    return 0;
}

#include "producer/copyplan.h"

#include <inttypes.h>

static const char PARTS_SQL[] =
    "SELECT c.oid, n.nspname, c.relname,"
    " coalesce(pg_catalog.pg_relation_filenode(c.oid), 0),"
    " pg_catalog.pg_relation_size(c.oid)"
    " / pg_catalog.current_setting('block_size')::int"
    " FROM (SELECT $1::pg_catalog.oid AS oid UNION"
    " SELECT relid::pg_catalog.oid FROM"
    " pg_catalog.pg_partition_tree($1::pg_catalog.oid::pg_catalog.regclass))"
    " p JOIN pg_catalog.pg_class c ON c.oid = p.oid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' ORDER BY c.oid";

int copyplan_read(PGconn *conn, uint32_t oid, struct copy_part **ret_parts,
                  unsigned *ret_count, struct err *e)
{
    char text[16];
    const char *params[] = { text };
    PGresult *res = NULL;

    (void)snprintf(text, sizeof(text), "%" PRIu32, oid);
    if (pgconn_query(conn, PARTS_SQL, params, 1, CATALOG_TIMEOUT_MS, &res, e) <
        0) {
        return err_wrap(e, "planning a copy");
    }
    unsigned count = (unsigned)PQntuples(res);
    struct copy_part *parts = xcalloc(count, sizeof(*parts));
    for (unsigned i = 0; i < count; i++) {
        int row = (int)i;

        parts[i] = (struct copy_part){
            .oid = (uint32_t)strtoul(PQgetvalue(res, row, 0), NULL, 10),
            .schema = xstrdup(PQgetvalue(res, row, 1)),
            .name = xstrdup(PQgetvalue(res, row, 2)),
            .filenode = (uint32_t)strtoul(PQgetvalue(res, row, 3), NULL, 10),
            .blocks = strtoull(PQgetvalue(res, row, 4), NULL, 10),
        };
    }
    PQclear(res);
    *ret_parts = parts;
    *ret_count = count;
    return 0;
}

void copyplan_free(struct copy_part *parts, unsigned count)
{
    for (unsigned i = 0; parts && i < count; i++) {
        xfree(parts[i].schema);
        xfree(parts[i].name);
    }
    xfree(parts);
}

static void part_name(struct buf *b, const struct copy_part *part)
{
    pgconn_ident(b, str_of(part->schema));
    buf_char(b, '.');
    pgconn_ident(b, str_of(part->name));
}

void copyplan_begin_sql(struct buf *b, const struct copy_part *part)
{
    buf_lit(b, "BEGIN ISOLATION LEVEL REPEATABLE READ; LOCK TABLE ONLY ");
    part_name(b, part);
    buf_printf(b,
               " IN ACCESS SHARE MODE; SELECT"
               " pg_catalog.pg_current_snapshot()::text,"
               " coalesce(pg_catalog.pg_relation_filenode(%" PRIu32 "), 0),"
               " pg_catalog.pg_current_wal_insert_lsn(),"
               " (extract(epoch FROM pg_catalog.clock_timestamp())"
               " * 1000000)::bigint",
               part->oid);
}

int copyplan_snapshot_read(const PGresult *res,
                           struct copyplan_snapshot *ret_snapshot,
                           struct err *e)
{
    struct copyplan_snapshot s = {
        .filenode = (uint32_t)strtoul(PQgetvalue(res, 0, 1), NULL, 10),
        .read_us = strtoll(PQgetvalue(res, 0, 3), NULL, 10),
    };

    if (!lsn_parse(PQgetvalue(res, 0, 2), &s.high_lsn)) {
        return err_set(e, ERR_FATAL, "no WAL position: %s",
                       PQgetvalue(res, 0, 2));
    }
    if (snapshot_read(str_of(PQgetvalue(res, 0, 0)), &s.snapshot, e) < 0) {
        return -1;
    }
    *ret_snapshot = s;
    return 0;
}

void copyplan_copy_sql(struct buf *b, const struct relation *rel,
                       const struct copy_part *part, uint32_t first,
                       uint64_t end)
{
    buf_lit(b, "COPY (SELECT ");
    for (unsigned i = 0; i < rel->shape.column_count; i++) {
        if (i > 0) {
            buf_lit(b, ", ");
        }
        pgconn_ident(b, str_of(rel->shape.columns[i].name));
    }
    buf_lit(b, " FROM ONLY ");
    part_name(b, part);
    buf_printf(b, " WHERE ctid >= '(%" PRIu32 ",0)'", first);
    if (end != 0) {
        buf_printf(b, " AND ctid < '(%" PRIu64 ",0)'", end);
    }
    buf_lit(b, ") TO STDOUT");
}

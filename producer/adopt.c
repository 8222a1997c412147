#include "producer/adopt.h"

#include <inttypes.h>

#include "common/log.h"
#include "common/stop.h"
#include "common/topics.h"
#include "producer/fitness.h"

/* ---- publication ------------------------------------------------------- */

static int publication_exec(const struct adopt *a, PGconn *conn,
                            struct buf *sql, struct err *e)
{
    if (pgconn_exec(conn, buf_z(sql), CATALOG_TIMEOUT_MS, e) == 0) {
        return 0;
    }
    if (e->kind == ERR_PERMISSION) {
        return err_set(e, ERR_PERMISSION,
                       "publication \"%s\": no privilege; run as the owner of"
                       " the tables: %s",
                       a->publication, buf_z(sql));
    }
    return err_wrap(e, "publication \"%s\"", a->publication);
}

static int publication_create(const struct adopt *a, PGconn *conn,
                              struct err *e)
{
    struct buf sql;

    buf_init(&sql, 1 << 12);
    buf_lit(&sql, "CREATE PUBLICATION ");
    pgconn_ident(&sql, str_of(a->publication));
    buf_lit(&sql, " WITH (publish_via_partition_root = true)");
    int rc = publication_exec(a, conn, &sql, e);
    buf_fini(&sql);
    return rc;
}

/* Is there a publication, and of the right kind? */
static int publication_judge(const struct adopt *a, PGconn *conn,
                             bool *ret_exists, struct err *e)
{
    static const char sql[] =
        "SELECT puballtables, pubinsert AND pubupdate AND pubdelete AND"
        " pubtruncate, pubviaroot FROM pg_catalog.pg_publication"
        " WHERE pubname = $1";
    const char *params[] = { a->publication };
    PGresult *res = NULL;

    if (pgconn_query(conn, sql, params, 1, CATALOG_TIMEOUT_MS, &res, e) < 0) {
        return -1;
    }
    bool exists = PQntuples(res) == 1;
    bool all = exists && PQgetvalue(res, 0, 0)[0] == 't';
    bool whole = exists && PQgetvalue(res, 0, 1)[0] == 't';
    bool root = exists && PQgetvalue(res, 0, 2)[0] == 't';
    PQclear(res);
    *ret_exists = exists;
    if (all) {
        return err_set(e, ERR_CONFIG,
                       "publication \"%s\" is FOR ALL TABLES, which makes"
                       " updates of tables without a key fail; run: DROP"
                       " PUBLICATION \"%s\"",
                       a->publication, a->publication);
    }
    if (exists && (!whole || !root)) {
        return err_set(e, ERR_CONFIG,
                       "publication \"%s\" leaves out operations or"
                       " publishes partitions; run: ALTER PUBLICATION \"%s\""
                       " SET (publish = 'insert, update, delete, truncate',"
                       " publish_via_partition_root = true)",
                       a->publication, a->publication);
    }
    return 0;
}

int adopt_publication(const struct adopt *a, PGconn *conn, struct err *e)
{
    bool exists;

    if (publication_judge(a, conn, &exists, e) < 0) {
        return -1;
    }
    return exists ? 0 : publication_create(a, conn, e);
}

/* 1 when a lock of the table is in the way: one table must not hold up the
   others, so the next round tries again. */
static int publication_change(const struct adopt *a, PGconn *conn,
                              const char *verb,
                              const struct catalog_entry *entry, struct err *e)
{
    struct buf sql;

    buf_init(&sql, 1 << 12);
    buf_lit(&sql, "ALTER PUBLICATION ");
    pgconn_ident(&sql, str_of(a->publication));
    buf_printf(&sql, " %s TABLE ONLY ", verb);
    pgconn_table(&sql, entry->schema, entry->name);
    int rc = publication_exec(a, conn, &sql, e);
    buf_fini(&sql);
    if (rc < 0 && e->kind == ERR_RETRY &&
        PQtransactionStatus(conn) == PQTRANS_IDLE) {
        log_warn("publication could not be changed, it is tried again",
                 "table=%s.%s error=%s", entry->schema, entry->name, e->text);
        return 1;
    }
    return rc;
}

/* ---- one table --------------------------------------------------------- */

static int refuse_named(const struct catalog_entry *entry, struct buf *why,
                        struct err *e)
{
    return err_set(e, ERR_CONFIG, "table %s.%s cannot be captured: %s",
                   entry->schema, entry->name, buf_z(why));
}

static bool warned_before(struct adopt *a, uint32_t oid)
{
    for (unsigned i = 0; i < a->warned_count; i++) {
        if (a->warned[i] == oid) {
            return true;
        }
    }
    a->warned = xrealloc(a->warned, a->warned_count + 1, sizeof(*a->warned));
    a->warned[a->warned_count++] = oid;
    return false;
}

static int topic_of(struct adopt *a, struct table *t, struct err *e)
{
    struct topic_spec spec = { .kind = TOPIC_TABLE,
                               .partitions = a->partitions,
                               .replication_factor = a->replication_factor };
    struct buf name;
    int partitions;
    bool created;

    buf_init(&name, 1024);
    event_topic(&name, a->place->prefix, str_of(t->schema), str_of(t->name));
    if (t->topic == NULL) {
        t->topic = xstrdup(buf_z(&name));
    }
    buf_fini(&name);
    for (unsigned i = 0; i < a->tables->count; i++) {
        const struct table *other = a->tables->list[i];

        if (other != t && other->topic && !strcmp(other->topic, t->topic)) {
            return err_set(e, ERR_CONFIG,
                           "tables %s and %s would share the topic %s: leave"
                           " one of them out with CDC_TABLES",
                           t->label, other->label, t->topic);
        }
    }
    spec.name = t->topic;
    if (topic_ensure(a->pub->rk, &spec, &partitions, &created, e) < 0) {
        return err_wrap(e, "topic %s", t->topic);
    }
    if (partitions > TABLE_PARTITIONS_MAX) {
        return err_set(e, ERR_CONFIG,
                       "topic %s has %d partitions, %d is the limit", t->topic,
                       partitions, TABLE_PARTITIONS_MAX);
    }
    if (t->partition_count == 0 || created) {
        table_set_partitions(t, partitions);
    } else if (t->partition_count != partitions) {
        return err_set(e, ERR_FATAL,
                       "topic %s has %d partitions, state remembers %d",
                       t->topic, partitions, t->partition_count);
    }
    return publish_topic(a->pub, t, e);
}

static void key_of(struct table *t, const struct catalog_table *cat)
{
    const char **names = xcalloc(cat->key_count, sizeof(*names));

    for (unsigned i = 0; i < cat->column_count; i++) {
        if (cat->columns[i].key_index > 0) {
            names[cat->columns[i].key_index - 1] = cat->columns[i].name;
        }
    }
    table_set_key(t, names, cat->key_count);
    xfree(names);
}

/* The entry of a table: known by oid, dropped and made again under the same
   name, or new. */
static struct table *table_of(struct adopt *a,
                              const struct catalog_entry *entry)
{
    struct table *t = tables_find(a->tables, entry->oid);

    if (t != NULL) {
        return t;
    }
    t = tables_by_name(a->tables, entry->schema, entry->name);
    if (t == NULL) {
        return tables_add(a->tables, entry->oid, entry->schema, entry->name);
    }
    log_warn("table was dropped and made again, it is copied anew", "table=%s",
             t->label);
    tables_rekey(a->tables, t, entry->oid);
    return t;
}

/* Puts a table into the publication. What changed before that was not
   streamed, so it is copied from its start. Where state says that it is
   copied, wholly or in part, this comes first: a crash behind the ALTER
   PUBLICATION would forget it. 1: in a later round. */
static int join(struct adopt *a, PGconn *conn,
                const struct catalog_entry *entry, struct table *t,
                struct err *e)
{
    t->streamed = false;
    if (t->copy == TABLE_COPY_DONE || t->copy_part != 0) {
        table_copy_again(t);
        t->noting = true;
    }
    if (t->noting && (t->dirty || a->pub->outstanding[PUBLISH_STATE] > 0)) {
        return 1;
    }
    t->noting = false;
    return publication_change(a, conn, "ADD", entry, e);
}

/* Brings a fit table in. 1: a later round goes on with it; the half-done
   entry (topic made, not in the publication) has no effect. */
static int take_in(struct adopt *a, PGconn *conn,
                   const struct catalog_entry *entry,
                   const struct catalog_table *cat, struct err *e)
{
    struct table *t = table_of(a, entry);

    if (t->key_count == 0) {
        key_of(t, cat);
    } else if (!table_same_key(t, cat)) {
        return err_set(e, ERR_CONFIG,
                       "table %s: its key columns are not those that its"
                       " topic %s was filled with; restore the key, or start"
                       " with another CDC_NAME",
                       t->label, t->topic ? t->topic : "");
    }
    if (t->rkt == NULL && topic_of(a, t, e) < 0) {
        return -1;
    }
    t->captured = true;
    if (!entry->in_publication) {
        int rc = join(a, conn, entry, t, e);

        if (rc != 0) {
            return rc;
        }
    }
    t->streamed = true;
    return 0;
}

/* A table that the selection does not name (any more). Its rows in the WAL
   are ignored, so it is copied anew should it ever come back. */
static int leave_out(struct adopt *a, PGconn *conn,
                     const struct catalog_entry *entry, struct table *t,
                     struct err *e)
{
    if (t != NULL && (t->copy == TABLE_COPY_DONE || t->copy_part != 0)) {
        table_copy_again(t);
    }
    if (!entry->in_publication) {
        return 0;
    }
    return publication_change(a, conn, "DROP", entry, e) < 0 ? -1 : 0;
}

/* Looks at one table of the catalog. */
static int consider(struct adopt *a, PGconn *conn,
                    const struct catalog_entry *entry, unsigned *new_count,
                    struct err *e)
{
    enum selection_match match =
        selection_find(a->selection, entry->schema, entry->name);
    struct table *t = tables_find(a->tables, entry->oid);
    struct catalog_table cat = { 0 };
    struct buf why;
    bool found;
    int rc = 0;

    if (match == SELECTION_NO) {
        return leave_out(a, conn, entry, t, e);
    }
    if (t != NULL && t->captured && t->streamed && entry->in_publication) {
        return 0;
    }
    if (catalog_read(conn, entry->oid, &cat, &found, e) < 0) {
        return -1;
    }
    if (!found) {
        return 0; /* dropped since it was listed */
    }
    buf_init(&why, 1 << 12);
    if (fitness_judge(&cat, entry->in_publication, PQuser(conn), &why)) {
        rc = take_in(a, conn, entry, &cat, e);
        if (rc == 0) {
            (*new_count)++;
            log_info("table is captured", "table=%s.%s", entry->schema,
                     entry->name);
        }
    } else if (match == SELECTION_NAMED ||
               (t != NULL && entry->in_publication)) {
        /* to skip one that is published would lose its changes */
        rc = refuse_named(entry, &why, e);
    } else if (!warned_before(a, entry->oid)) {
        log_warn("table is not captured", "table=%s.%s reason=%s",
                 entry->schema, entry->name, buf_z(&why));
    }
    buf_fini(&why);
    catalog_table_fini(&cat);
    return rc < 0 ? -1 : 0;
}

/* ---- checks at start --------------------------------------------------- */

/* A named table that the list lacks: absent, or of a kind that has no rows
   of its own in the WAL. */
static int named_check(const struct adopt *a,
                       const struct catalog_entry *entries, unsigned count,
                       struct err *e)
{
    for (unsigned i = 0; i < a->selection->count; i++) {
        const struct selection_entry *want = &a->selection->entries[i];
        bool there = !want->exact;

        for (unsigned k = 0; !there && k < count; k++) {
            there = strcmp(entries[k].schema, want->schema) == 0 &&
                    strcmp(entries[k].name, want->table) == 0;
        }
        if (!there) {
            return err_set(e, ERR_CONFIG,
                           "table %s.%s of CDC_TABLES is no ordinary,"
                           " permanent table of this database",
                           want->schema, want->table);
        }
    }
    return 0;
}

/* What state remembers of a table's topic must still be true (DESIGN 3): a
   topic that was deleted or refilled has lost events that the slot will not
   give again. */
static int topic_check(struct adopt *a, struct table *t, struct err *e)
{
    static const char remedy[] =
        "the events behind that cannot come again: restore the topic, or"
        " start with another CDC_NAME";
    int partitions;

    if (topic_partitions(a->pub->rk, t->topic, &partitions, e) < 0) {
        return -1;
    }
    if (partitions != t->partition_count) {
        return err_set(e, ERR_FATAL,
                       "topic %s has %d partitions, state remembers %d; %s",
                       t->topic, partitions, t->partition_count, remedy);
    }
    for (int i = 0; i < partitions; i++) {
        int64_t end;

        if (t->ends[i] == 0) {
            continue;
        }
        if (topic_end(a->pub->rk, t->topic, i, &end, e) < 0) {
            return -1;
        }
        if (end < t->ends[i]) {
            return err_set(e, ERR_FATAL,
                           "topic %s partition %d ends at offset %" PRId64
                           ", state remembers %" PRId64 "; %s",
                           t->topic, i, end, t->ends[i], remedy);
        }
    }
    return 0;
}

static bool selected(const struct adopt *a, const struct table *t)
{
    return selection_find(a->selection, t->schema, t->name) != SELECTION_NO;
}

static int topics_check(struct adopt *a, const struct catalog_entry *entries,
                        unsigned count, struct err *e)
{
    for (unsigned i = 0; i < count; i++) {
        struct table *t = tables_find(a->tables, entries[i].oid);

        if (t != NULL && t->partition_count > 0 && t->topic != NULL &&
            selected(a, t) && topic_check(a, t, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool listed(const struct catalog_entry *entries, unsigned count,
                   uint32_t oid)
{
    for (unsigned i = 0; i < count; i++) {
        if (entries[i].oid == oid) {
            return true;
        }
    }
    return false;
}

/* Tables that state knows and the catalog no longer has: the WAL may still
   hold rows of them, which go to their topics as long as these exist. */
static int dropped_open(struct adopt *a, const struct catalog_entry *entries,
                        unsigned count, struct err *e)
{
    for (unsigned i = 0; i < a->tables->count; i++) {
        struct table *t = a->tables->list[i];
        int partitions;

        if (t->captured || t->partition_count == 0 || t->topic == NULL ||
            !selected(a, t) || listed(entries, count, t->oid)) {
            continue;
        }
        if (topic_partitions(a->pub->rk, t->topic, &partitions, e) < 0) {
            return -1;
        }
        if (partitions == 0) {
            continue; /* its topic was cleared away, too */
        }
        if (topic_check(a, t, e) < 0 || publish_topic(a->pub, t, e) < 0) {
            return -1;
        }
        t->captured = true;
    }
    return 0;
}

int adopt_sync(struct adopt *a, PGconn *conn, bool starting, unsigned *ret_new,
               struct err *e)
{
    struct catalog_entry *entries = NULL;
    unsigned count = 0, new_count = 0;
    int rc = -1;

    if (catalog_list(conn, a->publication, &entries, &count, e) < 0) {
        return -1;
    }
    if (starting && (named_check(a, entries, count, e) < 0 ||
                     topics_check(a, entries, count, e) < 0)) {
        goto out;
    }
    for (unsigned i = 0; i < count; i++) {
        if (stop_requested()) {
            (void)err_set(e, ERR_RETRY, "stop requested");
            goto out;
        }
        if (consider(a, conn, &entries[i], &new_count, e) < 0) {
            goto out;
        }
    }
    if (starting && dropped_open(a, entries, count, e) < 0) {
        goto out;
    }
    *ret_new = new_count;
    rc = 0;
out:
    catalog_list_free(entries, count);
    return rc;
}

static int unfit_check(const struct adopt *a, PGconn *conn,
                       const struct catalog_entry *entry, struct err *e)
{
    struct catalog_table cat = { 0 };
    struct buf why;
    bool found;
    int rc = 0;

    if (selection_find(a->selection, entry->schema, entry->name) !=
        SELECTION_NAMED) {
        return 0;
    }
    if (catalog_read(conn, entry->oid, &cat, &found, e) < 0) {
        return -1;
    }
    buf_init(&why, 1 << 12);
    if (found &&
        !fitness_judge(&cat, entry->in_publication, PQuser(conn), &why)) {
        rc = refuse_named(entry, &why, e);
    }
    buf_fini(&why);
    catalog_table_fini(&cat);
    return rc;
}

int adopt_check(struct adopt *a, PGconn *conn, struct err *e)
{
    struct catalog_entry *entries = NULL;
    unsigned count = 0;
    int rc = -1;
    bool exists;

    if (publication_judge(a, conn, &exists, e) < 0 ||
        catalog_list(conn, a->publication, &entries, &count, e) < 0) {
        return -1;
    }
    if (named_check(a, entries, count, e) < 0 ||
        topics_check(a, entries, count, e) < 0) {
        goto out;
    }
    for (unsigned i = 0; i < count; i++) {
        if (unfit_check(a, conn, &entries[i], e) < 0) {
            goto out;
        }
    }
    rc = 0;
out:
    catalog_list_free(entries, count);
    return rc;
}

void adopt_fini(struct adopt *a)
{
    xfree(a->warned);
    a->warned = NULL;
    a->warned_count = 0;
}

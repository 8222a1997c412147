#include "sink-es/targets.h"

#include "common/log.h"
#include "sink-es/mapping.h"

enum { TEXT_MAX = 16 << 20, PATH_MAX_BYTES = 8 << 10 };

static void target_free(struct target *target)
{
    bulk_table_fini(&target->bulk);
    buf_fini(&target->alias);
    xfree(target);
}

void targets_fini(struct targets *t)
{
    for (unsigned i = 0; i < t->map.count; i++) {
        target_free(targets_at(t, i));
    }
    shapemap_fini(&t->map);
    *t = (struct targets){ 0 };
}

struct target *targets_at(const struct targets *t, unsigned index)
{
    return t->map.list[index].value;
}

struct target *targets_find(const struct targets *t, const struct shape *shape)
{
    return shapemap_find(&t->map, shape);
}

static struct target *target_new(const struct shape *shape, struct err *e)
{
    struct target *target = xcalloc(1, sizeof(*target));

    buf_init(&target->alias, PATH_MAX_BYTES);
    mapping_alias(&target->alias, shape);
    if (bulk_table_init(&target->bulk, shape, buf_str(&target->alias), e) < 0) {
        target_free(target);
        return NULL;
    }
    return target;
}

/* Two tables must not meet in one index (DESIGN 1). */
static int collision_check(const struct targets *t, const struct target *target,
                           struct err *e)
{
    const struct shape *shape = target->bulk.shape;

    for (unsigned i = 0; i < t->map.count; i++) {
        const struct shape *other = targets_at(t, i)->bulk.shape;

        if (str_eq(buf_str(&targets_at(t, i)->alias),
                   buf_str(&target->alias)) &&
            (strcmp(other->schema, shape->schema) != 0 ||
             strcmp(other->name, shape->name) != 0)) {
            return err_set(e, ERR_FATAL,
                           "the tables %s.%s and %s.%s both go to "
                           "Elasticsearch index %.*s: leave one of them out, "
                           "or rename it",
                           other->schema, other->name, shape->schema,
                           shape->name, STR_ARG(buf_str(&target->alias)));
        }
    }
    return 0;
}

/* What is there under the alias: 1 as it must be, 0 nothing. */
static int alias_look(struct cluster *c, const struct mapping *m, struct err *e)
{
    struct buf path;
    int status, rc;

    buf_init(&path, PATH_MAX_BYTES);
    buf_char(&path, '/');
    http_escape(&path, str_of(m->alias));
    buf_lit(&path, "?flat_settings=true");
    rc = cluster_ask(c, "GET", buf_z(&path), (struct str){ 0 }, &status, e);
    buf_fini(&path);
    if (rc < 0) {
        return -1;
    }
    if (status == 404) {
        return 0;
    }
    if (status != 200) {
        return cluster_error(c, ERR_FATAL, e);
    }
    return mapping_check(m, buf_str(&c->reply), e) < 0 ? -1 : 1;
}

/* One attempt to make the index; `ret_status` 200 or 400. */
static int index_put(struct cluster *c, const struct mapping *m,
                     int *ret_status, struct err *e)
{
    struct buf path, body, name;
    int rc;

    buf_init(&path, PATH_MAX_BYTES);
    buf_init(&name, PATH_MAX_BYTES);
    buf_init(&body, TEXT_MAX);
    mapping_index(&name, m->alias);
    buf_char(&path, '/');
    http_escape(&path, buf_str(&name));
    mapping_create(&body, m);
    rc = cluster_ask(c, "PUT", buf_z(&path), buf_str(&body), ret_status, e);
    buf_fini(&body);
    buf_fini(&name);
    buf_fini(&path);
    return rc;
}

/* Makes the index, or finds that another process just did (both then look
   again). A name that no field can have leaves an index that stores all and
   searches nothing: better than a table that is left out. */
static int index_make(struct cluster *c, struct mapping *m, struct err *e)
{
    int status;

    if (index_put(c, m, &status, e) < 0) {
        return -1;
    }
    if (status == 400 && (cluster_error_is(c, "mapper_parsing_exception") ||
                          cluster_error_is(c, "illegal_argument_exception"))) {
        struct err why = { 0 };

        (void)cluster_error(c, ERR_FATAL, &why);
        m->searchable = false;
        if (index_put(c, m, &status, e) < 0) {
            return -1;
        }
        if (status == 200) {
            log_warn("index is stored but not searchable: Elasticsearch "
                     "refuses its columns as fields",
                     "index=%s reason=%s", m->alias, why.text);
        }
    }
    if (status == 200 ||
        cluster_error_is(c, "resource_already_exists_exception")) {
        return 0;
    }
    return cluster_error(c, ERR_FATAL, e);
}

static int alias_make(struct cluster *c, struct mapping *m, bool passed,
                      struct err *e)
{
    int found = alias_look(c, m, e);

    if (found != 0) {
        return found < 0 ? -1 : 0;
    }
    if (passed) {
        return err_set(e, ERR_RETRY,
                       "the Elasticsearch index or alias %s is gone, and the "
                       "group has passed rows of it: put it back, or stop "
                       "the sink and reset the group's offsets of %s to the "
                       "earliest (kafka-consumer-groups.sh --reset-offsets "
                       "--to-earliest)",
                       m->alias, m->shape->topic);
    }
    if (index_make(c, m, e) < 0) {
        return -1;
    }
    found = alias_look(c, m, e);
    if (found == 0) {
        return err_set(e, ERR_FATAL,
                       "Elasticsearch index %s-000001 exists without its "
                       "alias %s: put the alias back, or delete the index "
                       "and reset the group's offsets",
                       m->alias, m->alias);
    }
    return found < 0 ? -1 : 0;
}

int targets_prepare(struct targets *t, struct cluster *c,
                    const struct shape *shape, bool passed, struct err *e)
{
    struct mapping m = { .shape = shape,
                         .pipeline = t->pipeline,
                         .shards = t->shards,
                         .replicas = t->replicas,
                         .searchable = true };
    struct target *target;

    if (targets_find(t, shape)) {
        return 0;
    }
    if (mapping_shape_check(shape, e) < 0) {
        return -1;
    }
    target = target_new(shape, e);
    if (!target) {
        return -1;
    }
    m.alias = buf_z(&target->alias);
    if (collision_check(t, target, e) < 0 || alias_make(c, &m, passed, e) < 0) {
        target_free(target);
        return err_wrap(e, "%s.%s", shape->schema, shape->name);
    }
    shapemap_put(&t->map, shape, target);
    return 0;
}

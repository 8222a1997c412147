/* The second half of mapping.h: what is there already, against a shape. */
#include <cjson/cJSON.h>

#include "sink-es/mapping.h"

enum { NAME_TEXT_MAX = 64 << 10 };

#define REMEDY                                                              \
    "this version follows no change of shape: delete the index, reset the " \
    "group's offsets and start again"

static const char *text_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* Whose index is it? */
static int owner_check(const struct mapping *m, const cJSON *index,
                       const cJSON *mark, struct err *e)
{
    const char *pipeline = text_of(mark, "pipeline");
    const char *table = text_of(mark, "table");
    struct buf ours;
    int rc = 0;

    buf_init(&ours, NAME_TEXT_MAX);
    buf_printf(&ours, "%s.%s", m->shape->schema, m->shape->name);
    if (!pipeline || !table) {
        rc = err_set(e, ERR_FATAL,
                     "Elasticsearch index %s has no _meta of ours, so it is "
                     "somebody else's: rename or delete it, or leave the "
                     "table out of CDC_TABLES",
                     index->string);
    } else if (strcmp(table, buf_z(&ours)) != 0) {
        rc = err_set(e, ERR_FATAL,
                     "the tables %s and %s both go to Elasticsearch index "
                     "%s: leave one of them out, or rename it",
                     table, buf_z(&ours), m->alias);
    } else if (strcmp(pipeline, m->pipeline) != 0) {
        rc = err_set(e, ERR_FATAL,
                     "Elasticsearch index %s belongs to pipeline \"%s\", "
                     "this is \"%s\"",
                     index->string, pipeline, m->pipeline);
    }
    buf_fini(&ours);
    return rc;
}

/* The columns it was made of against those of the shape. */
static int columns_check(const struct mapping *m, const cJSON *index,
                         const cJSON *columns, struct err *e)
{
    const cJSON *column;

    for (unsigned i = 0; i < m->shape->column_count; i++) {
        const struct shape_column *wanted = &m->shape->columns[i];
        const char *field = text_of(columns, wanted->name);

        if (!field) {
            return err_set(e, ERR_FATAL,
                           "Elasticsearch index %s was made without column "
                           "\"%s\"; " REMEDY,
                           index->string, wanted->name);
        }
        if (strcmp(field, mapping_field(wanted)) != 0) {
            return err_set(e, ERR_FATAL,
                           "Elasticsearch index %s: column \"%s\" is a %s "
                           "field and should be %s; " REMEDY,
                           index->string, wanted->name, field,
                           mapping_field(wanted));
        }
    }
    cJSON_ArrayForEach(column, columns)
    {
        struct str name = str_of(column->string);

        if (!shape_column_find(m->shape, name)) {
            return err_set(e, ERR_FATAL,
                           "Elasticsearch index %s was made with column "
                           "\"%s\", which %s.%s lacks; " REMEDY,
                           index->string, column->string, m->shape->schema,
                           m->shape->name);
        }
    }
    return 0;
}

/* "15m", "900s", "900000ms" in whole seconds; 0 for what is no time. */
static int64_t seconds_of(const char *text)
{
    static const struct {
        const char *unit;
        int64_t numerator, denominator;
    } units[] = {
        { "d", 86400, 1 }, { "h", 3600, 1 },  { "m", 60, 1 },
        { "s", 1, 1 },     { "ms", 1, 1000 }, { "micros", 1, 1000000 }
    };
    int64_t n = 0;

    while (*text >= '0' && *text <= '9' && n < INT32_MAX) {
        n = n * 10 + (*text++ - '0');
    }
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (strcmp(text, units[i].unit) == 0) {
            return n * units[i].numerator / units[i].denominator;
        }
    }
    return 0;
}

/* Settings under which acknowledged writes or deletes could be lost. */
static int settings_check(const cJSON *index, struct err *e)
{
    const cJSON *settings = cJSON_GetObjectItemCaseSensitive(index, "settings");
    const char *durability = text_of(settings, "index.translog.durability");
    const char *gc = text_of(settings, "index.gc_deletes");
    const char *pipeline = text_of(settings, "index.final_pipeline");

    if (durability && strcmp(durability, "request") != 0) {
        return err_set(e, ERR_FATAL,
                       "Elasticsearch index %s: translog.durability is %s, "
                       "which loses acknowledged writes in a crash: set "
                       "index.translog.durability to request",
                       index->string, durability);
    }
    if (seconds_of(gc ? gc : "60s") < MAPPING_GC_DELETES_MIN_S) {
        return err_set(e, ERR_FATAL,
                       "Elasticsearch index %s: gc_deletes is %s, so a "
                       "deleted row could come back: set index.gc_deletes "
                       "to at least 15m",
                       index->string, gc ? gc : "60s");
    }
    if (pipeline && strcmp(pipeline, "_none") != 0) {
        return err_set(e, ERR_FATAL,
                       "Elasticsearch index %s: final_pipeline %s would "
                       "change documents: set index.final_pipeline to _none",
                       index->string, pipeline);
    }
    return 0;
}

/* Is the whole document kept? (An index template can say otherwise.) */
static int source_check(const cJSON *index, const cJSON *mappings,
                        struct err *e)
{
    const cJSON *source = cJSON_GetObjectItemCaseSensitive(mappings, "_source");
    const cJSON *part;

    cJSON_ArrayForEach(part, source)
    {
        if (strcmp(part->string, "enabled") != 0 || !cJSON_IsTrue(part)) {
            return err_set(e, ERR_FATAL,
                           "Elasticsearch index %s: its mapping changes "
                           "_source (%s): remove that from the index "
                           "template and delete the index",
                           index->string, part->string);
        }
    }
    return 0;
}

static int index_check(const struct mapping *m, const cJSON *index,
                       struct err *e)
{
    const cJSON *mappings = cJSON_GetObjectItemCaseSensitive(index, "mappings");
    const cJSON *meta = cJSON_GetObjectItemCaseSensitive(mappings, "_meta");
    const cJSON *mark = cJSON_GetObjectItemCaseSensitive(meta, "data-sync");

    if (owner_check(m, index, mark, e) < 0) {
        return -1;
    }
    if (strcmp(index->string, m->alias) == 0) {
        return err_set(e, ERR_FATAL,
                       "Elasticsearch has an index %s where an alias of that "
                       "name must be: make it an alias of the index",
                       m->alias);
    }
    if (columns_check(m, index,
                      cJSON_GetObjectItemCaseSensitive(mark, "columns"),
                      e) < 0 ||
        settings_check(index, e) < 0) {
        return -1;
    }
    return source_check(index, mappings, e);
}

int mapping_check(const struct mapping *m, struct str answer, struct err *e)
{
    cJSON *root = cJSON_ParseWithLength(answer.p, answer.len);
    const cJSON *index = root ? root->child : NULL;
    int rc;

    if (!cJSON_IsObject(root) || !cJSON_IsObject(index)) {
        rc = err_set(e, ERR_RETRY,
                     "Elasticsearch's answer about %s is not readable",
                     m->alias);
    } else if (index->next) {
        rc = err_set(e, ERR_FATAL,
                     "Elasticsearch alias %s stands for more than one index "
                     "(%s, %s): one document could live in both",
                     m->alias, index->string, index->next->string);
    } else {
        rc = index_check(m, index, e);
    }
    cJSON_Delete(root);
    return rc;
}

#include "monitor/scope.h"

#include <cjson/cJSON.h>
#include <fnmatch.h>

#include "common/kafka.h"

enum { NAME_BYTES_MAX = 64 << 10 };

static char *label_of(const struct read_pg_table *source)
{
    struct shape names = { .schema = source->schema, .name = source->name };
    struct buf b;
    char *label;

    buf_init(&b, NAME_BYTES_MAX);
    shape_label(&b, &names);
    label = xstrdup(buf_z(&b));
    buf_fini(&b);
    return label;
}

static void table_fini(struct scope_table *t)
{
    shape_fini(&t->shape);
    xfree(t->label);
    xfree(t->alias);
}

void scope_fini(struct scope *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        table_fini(&s->tables[i]);
    }
    xfree(s->tables);
    read_pg_tables_free(s->sources, s->count);
    *s = (struct scope){ 0 };
}

static struct scope_table *table_find(struct scope *s, const char *schema,
                                      const char *name)
{
    for (unsigned i = 0; i < s->count; i++) {
        if (strcmp(s->sources[i].schema, schema) == 0 &&
            strcmp(s->sources[i].name, name) == 0) {
            return &s->tables[i];
        }
    }
    return NULL;
}

/* The last one of the topic is the current one. */
int scope_take_shape(struct scope *s, struct str value, struct err *e)
{
    struct shape shape = { 0 };
    struct scope_table *t;
    struct buf alias;

    if (!value.p || value.len == 0) {
        return 0; /* taken out by hand */
    }
    if (shape_read(value, &shape, e) < 0) {
        return -1;
    }
    t = table_find(s, shape.schema, shape.name);
    if (!t) {
        shape_fini(&shape);
        return 0;
    }
    shape_fini(&t->shape);
    t->shape = shape;
    buf_init(&alias, NAME_BYTES_MAX);
    shape_alias(&alias, &t->shape);
    xfree(t->alias);
    t->alias = xstrdup(buf_z(&alias));
    buf_fini(&alias);
    t->state = strcmp(shape.profile, "sink") != 0 ? SCOPE_FOREIGN
               : shape.key_count == 0             ? SCOPE_KEYLESS
                                                  : SCOPE_READY;
    return 0;
}

static const char *member(const cJSON *root, const char *name)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, name));

    return text ? text : "";
}

void scope_take_state(struct scope *s, struct str value)
{
    cJSON *root = value.p ? cJSON_ParseWithLength(value.p, value.len) : NULL;
    struct scope_table *t = NULL;

    if (strcmp(member(root, "state"), "table") == 0) {
        t = table_find(s, member(root, "schema"), member(root, "name"));
    }
    if (t && (t->state == SCOPE_READY || t->state == SCOPE_COPYING)) {
        t->state = strcmp(member(root, "copy"), "done") == 0 ? SCOPE_READY
                                                             : SCOPE_COPYING;
    }
    cJSON_Delete(root);
}

static int each_shape(void *arg, struct str key, struct str value,
                      struct err *e)
{
    (void)key;
    return scope_take_shape(arg, value, e);
}

static int each_state(void *arg, struct str key, struct str value,
                      struct err *e)
{
    (void)key;
    (void)e;
    scope_take_state(arg, value);
    return 0;
}

static bool fits(const struct scope_table *t, const char *pattern)
{
    struct buf full;
    bool yes;

    buf_init(&full, NAME_BYTES_MAX);
    buf_printf(&full, "%s.%s", t->source->schema, t->source->name);
    yes = fnmatch(pattern, t->label, 0) == 0 ||
          fnmatch(pattern, buf_z(&full), 0) == 0;
    buf_fini(&full);
    return yes;
}

/* Marks what a pattern names; false: nothing. */
static bool mark(const struct scope *s, const char *pattern, bool *wanted)
{
    bool any = false;

    for (unsigned i = 0; i < s->count; i++) {
        if (fits(&s->tables[i], pattern)) {
            wanted[i] = any = true;
        }
    }
    return any;
}

static void keep(struct scope *s, const bool *wanted)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < s->count; i++) {
        if (!wanted[i]) {
            table_fini(&s->tables[i]);
            xfree(s->sources[i].schema);
            xfree(s->sources[i].name);
            continue;
        }
        s->sources[kept] = s->sources[i];
        s->tables[kept] = s->tables[i];
        s->tables[kept].source = &s->sources[kept];
        kept++;
    }
    s->count = kept;
}

int scope_filter(struct scope *s, const char *patterns, struct err *e)
{
    bool *wanted = xcalloc(s->count, sizeof(*wanted));
    bool any = false;
    int rc = 0;

    while (patterns && *patterns && rc == 0) {
        size_t len = strcspn(patterns, ",");
        char *pattern = xstrndup(patterns, len);

        if (len > 0) {
            any = true;
            if (!mark(s, pattern, wanted)) {
                rc = err_set(e, ERR_USAGE,
                             "--table %s: the pipeline has no such table",
                             pattern);
            }
        }
        xfree(pattern);
        patterns += len + (patterns[len] == ',');
    }
    if (rc == 0 && any) {
        keep(s, wanted);
    }
    xfree(wanted);
    return rc;
}

static int topic_read(struct scope *s, const char *brokers, const char *name,
                      const char *suffix, kafka_each_fn *each, struct err *e)
{
    char topic[300];
    int64_t end;
    bool exists;

    (void)snprintf(topic, sizeof(topic), "%s.%s", name, suffix);
    if (kafka_read_all(brokers, "cdc-monitor", topic, each, s, &exists, &end,
                       e) < 0) {
        return err_wrap(e, "Kafka");
    }
    return 0;
}

int scope_load(struct scope *s, struct read_pg *pg, const char *brokers,
               const char *name, const char *patterns, struct err *e)
{
    *s = (struct scope){ 0 };
    if (read_pg_tables(pg, &s->sources, &s->count, e) < 0) {
        return -1;
    }
    s->tables = xcalloc(s->count, sizeof(*s->tables));
    for (unsigned i = 0; i < s->count; i++) {
        s->tables[i] = (struct scope_table){
            .source = &s->sources[i],
            .state = SCOPE_NEW,
            .label = label_of(&s->sources[i]),
            .alias = xstrdup(""),
        };
    }
    if (topic_read(s, brokers, name, "schema", each_shape, e) < 0 ||
        topic_read(s, brokers, name, "state", each_state, e) < 0 ||
        scope_filter(s, patterns, e) < 0) {
        scope_fini(s);
        return -1;
    }
    return 0;
}

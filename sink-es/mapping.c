#include "sink-es/mapping.h"

#include "common/json.h"

enum {
    FIELDS_LIMIT_MIN = 1000, /* Elasticsearch's default */
    TEXT_MAX = 64 << 10,
    NAME_SUFFIX_BYTES = 7, /* "-000001" */
};

/* One row per kind of field; `name` is what `_meta` remembers. */
struct field {
    const char *name, *json;
};

#define KEYWORD "\"type\":\"keyword\",\"ignore_above\":8191"
#define LENIENT(type)                                           \
    {                                                           \
        type, "\"type\":\"" type "\",\"ignore_malformed\":true" \
    }

static const struct field field_boolean = { "boolean", "\"type\":\"boolean\"" };
static const struct field field_short = LENIENT("short");
static const struct field field_integer = LENIENT("integer");
static const struct field field_long = LENIENT("long");
static const struct field field_float = LENIENT("float");
static const struct field field_double = LENIENT("double");
static const struct field field_keyword = { "keyword", KEYWORD };
static const struct field field_text = {
    "text",
    "\"type\":\"text\",\"fields\":{\"keyword\":{" KEYWORD "}}",
};
static const struct field field_date = {
    "date",
    "\"type\":\"date\",\"format\":\"strict_date_optional_time\","
    "\"ignore_malformed\":true",
};
static const struct field field_json = {
    "object",
    "\"type\":\"object\",\"enabled\":false",
};
static const struct field field_binary = { "binary", "\"type\":\"binary\"" };
/* A term holds key and value and ends at 32,766 bytes: this leaves the key
   half of it. */
static const struct field field_flattened = {
    "flattened",
    "\"type\":\"flattened\",\"ignore_above\":4096",
};

/* An array's field is its element's. */
static const struct field *field_of(const struct shape_column *column)
{
    switch (column->class) {
    case SHAPE_BOOL: return &field_boolean;
    case SHAPE_INT2: return &field_short;
    case SHAPE_INT4: return &field_integer;
    case SHAPE_INT8:
    case SHAPE_OID: return &field_long;
    case SHAPE_FLOAT4: return &field_float;
    case SHAPE_FLOAT8:
    case SHAPE_NUMERIC: return &field_double;
    case SHAPE_TEXT: return &field_text;
    case SHAPE_DATE:
    case SHAPE_TIMESTAMP:
    case SHAPE_TIMESTAMPTZ: return &field_date;
    case SHAPE_JSON: return &field_json;
    case SHAPE_BYTEA: return &field_binary;
    case SHAPE_HSTORE: return &field_flattened;
    case SHAPE_ENUM:
    case SHAPE_UUID:
    case SHAPE_TIME:
    case SHAPE_BIT:
    case SHAPE_OTHER:
    case SHAPE_CLASS_COUNT: break;
    }
    return &field_keyword;
}

const char *mapping_field(const struct shape_column *column)
{
    return field_of(column)->name;
}

void mapping_alias(struct buf *b, const struct shape *shape)
{
    shape_alias(b, shape);
}

void mapping_index(struct buf *b, const char *alias)
{
    buf_printf(b, "%s-000001", alias);
}

int mapping_shape_check(const struct shape *shape, struct err *e)
{
    struct buf alias;
    size_t len;

    if (strcmp(shape->profile, "sink") != 0) {
        return err_set(e, ERR_FATAL,
                       "%s.%s: events of profile \"%s\" cannot be read, only "
                       "profile \"sink\": set the producer's profile to "
                       "sink and resync",
                       shape->schema, shape->name, shape->profile);
    }
    if (shape->key_count == 0) {
        return err_set(e, ERR_FATAL, "%s.%s has no key", shape->schema,
                       shape->name);
    }
    buf_init(&alias, TEXT_MAX);
    mapping_alias(&alias, shape);
    len = alias.len;
    buf_fini(&alias);
    if (len + NAME_SUFFIX_BYTES > MAPPING_NAME_BYTES_MAX) {
        return err_set(e, ERR_FATAL, "%s.%s: its name is too long for an index",
                       shape->schema, shape->name);
    }
    return 0;
}

/* Each column has up to two fields, and each dot in a name makes one. */
static unsigned fields_limit(const struct shape *shape)
{
    unsigned count = 100;

    for (unsigned i = 0; i < shape->column_count; i++) {
        count += 2;
        for (const char *p = shape->columns[i].name; *p; p++) {
            count += *p == '.';
        }
    }
    return count > FIELDS_LIMIT_MIN ? count : FIELDS_LIMIT_MIN;
}

static void settings_write(struct buf *b, const struct mapping *m)
{
    buf_lit(b, "{");
    if (m->shards >= 0) {
        json_member_i64(b, "index.number_of_shards", m->shards);
    }
    if (m->replicas >= 0) {
        json_member_i64(b, "index.number_of_replicas", m->replicas);
    }
    json_member_u64(b, "index.mapping.total_fields.limit",
                    fields_limit(m->shape));
    json_member_u64(b, "index.mapping.depth.limit", 100);
    /* A delete must be remembered longer than an older write may be under
       way (reliability.md 3.3). What an index template says against the
       rest would lose or change documents. */
    buf_lit(b, ",\"index.gc_deletes\":\"15m\""
               ",\"index.translog.durability\":\"request\""
               ",\"index.default_pipeline\":\"_none\""
               ",\"index.final_pipeline\":\"_none\"}");
}

static void meta_write(struct buf *b, const struct mapping *m)
{
    const struct shape *shape = m->shape;
    struct buf table;

    buf_init(&table, TEXT_MAX);
    buf_printf(&table, "%s.%s", shape->schema, shape->name);
    buf_lit(b, "\"_meta\":{\"data-sync\":{");
    json_member_string(b, "pipeline", str_of(m->pipeline));
    json_member_string(b, "table", buf_str(&table));
    json_member_string(b, "schema", str_of(shape->fingerprint));
    json_member(b, STR("columns"));
    buf_char(b, '{');
    for (unsigned i = 0; i < shape->column_count; i++) {
        json_member_string(b, shape->columns[i].name,
                           str_of(mapping_field(&shape->columns[i])));
    }
    buf_lit(b, "}}}");
    buf_fini(&table);
}

static void properties_write(struct buf *b, const struct shape *shape)
{
    json_member(b, STR("properties"));
    buf_char(b, '{');
    for (unsigned i = 0; i < shape->column_count; i++) {
        json_member(b, str_of(shape->columns[i].name));
        buf_printf(b, "{%s}", field_of(&shape->columns[i])->json);
    }
    buf_char(b, '}');
}

void mapping_create(struct buf *b, const struct mapping *m)
{
    buf_lit(b, "{\"aliases\":{");
    json_member(b, str_of(m->alias));
    buf_lit(b, "{\"is_write_index\":true}},\"settings\":");
    settings_write(b, m);
    buf_lit(b, ",\"mappings\":{");
    meta_write(b, m);
    buf_lit(b, ",\"dynamic\":false,\"date_detection\":false"
               ",\"numeric_detection\":false");
    if (m->searchable) {
        properties_write(b, m->shape);
    } else {
        buf_lit(b, ",\"enabled\":false");
    }
    buf_lit(b, "}}");
}

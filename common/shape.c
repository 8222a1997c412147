#include "common/shape.h"

#include <assert.h>
#include <math.h>

#include <cjson/cJSON.h>
#include <xxhash.h>

#include "common/json.h"

enum { COLUMNS_TEXT_MAX = 16 << 20 }; /* 1,600 columns need less */

static const char *const class_names[] = {
    [SHAPE_BOOL] = "bool",
    [SHAPE_INT2] = "int2",
    [SHAPE_INT4] = "int4",
    [SHAPE_INT8] = "int8",
    [SHAPE_OID] = "oid",
    [SHAPE_FLOAT4] = "float4",
    [SHAPE_FLOAT8] = "float8",
    [SHAPE_NUMERIC] = "numeric",
    [SHAPE_TEXT] = "text",
    [SHAPE_ENUM] = "enum",
    [SHAPE_UUID] = "uuid",
    [SHAPE_DATE] = "date",
    [SHAPE_TIMESTAMP] = "timestamp",
    [SHAPE_TIMESTAMPTZ] = "timestamptz",
    [SHAPE_TIME] = "time",
    [SHAPE_JSON] = "json",
    [SHAPE_BYTEA] = "bytea",
    [SHAPE_BIT] = "bit",
    [SHAPE_HSTORE] = "hstore",
    [SHAPE_OTHER] = "other",
};
static_assert(COUNT_OF(class_names) == SHAPE_CLASS_COUNT,
              "every class has a name");

const char *shape_class_name(enum shape_class class)
{
    CHECK((unsigned)class < SHAPE_CLASS_COUNT);
    return class_names[class];
}

static bool class_parse(const char *name, enum shape_class *ret_class)
{
    for (unsigned i = 0; i < SHAPE_CLASS_COUNT; i++) {
        if (strcmp(name, class_names[i]) == 0) {
            *ret_class = (enum shape_class)i;
            return true;
        }
    }
    return false;
}

void shape_fini(struct shape *shape)
{
    if (!shape) {
        return;
    }
    for (unsigned i = 0; shape->columns && i < shape->column_count; i++) {
        xfree(shape->columns[i].name);
        xfree(shape->columns[i].type);
    }
    xfree(shape->columns);
    xfree(shape->schema);
    xfree(shape->name);
    xfree(shape->topic);
    xfree(shape->profile);
    *shape = (struct shape){ 0 };
}

/* The canonical text: the fingerprint is made of these bytes. */
static void columns_write(struct buf *b, const struct shape *shape)
{
    buf_char(b, '[');
    for (unsigned i = 0; i < shape->column_count; i++) {
        const struct shape_column *col = &shape->columns[i];

        if (i > 0) {
            buf_char(b, ',');
        }
        buf_char(b, '{');
        json_member_string(b, "name", str_of(col->name));
        json_member_string(b, "type", str_of(col->type));
        json_member_string(b, "class", str_of(shape_class_name(col->class)));
        json_member_bool(b, "array", col->array);
        json_member_i64(b, "typmod", col->typmod);
        json_member_bool(b, "nullable", col->nullable);
        json_member_u64(b, "key", col->key_index);
        buf_char(b, '}');
    }
    buf_char(b, ']');
}

void shape_seal(struct shape *shape)
{
    struct buf b;
    unsigned long long hash;

    buf_init(&b, COLUMNS_TEXT_MAX);
    columns_write(&b, shape);
    hash = XXH3_64bits(buf_str(&b).p, b.len);
    (void)snprintf(shape->fingerprint, sizeof(shape->fingerprint), "%016llx",
                   hash);
    buf_fini(&b);
    shape->key_count = 0;
    for (unsigned i = 0; i < shape->column_count; i++) {
        shape->key_count += shape->columns[i].key_index > 0;
    }
}

/* "table":"public.User","schema":"00c5…" behind the opening brace. */
static void identity_write(struct buf *b, const struct shape *shape)
{
    json_member(b, STR("table"));
    buf_char(b, '"');
    json_escape(b, str_of(shape->schema));
    buf_char(b, '.');
    json_escape(b, str_of(shape->name));
    buf_char(b, '"');
    json_member_string(b, "schema", str_of(shape->fingerprint));
}

void shape_write_key(struct buf *b, const struct shape *shape)
{
    buf_char(b, '{');
    identity_write(b, shape);
    buf_char(b, '}');
}

void shape_write(struct buf *b, const struct shape *shape)
{
    buf_char(b, '{');
    identity_write(b, shape);
    json_member_string(b, "profile", str_of(shape->profile));
    json_member_string(b, "topic", str_of(shape->topic));
    json_member(b, STR("columns"));
    columns_write(b, shape);
    json_member_string(b, "namespace", str_of(shape->schema));
    json_member_string(b, "relation", str_of(shape->name));
    buf_char(b, '}');
}

/* The text of a member, borrowed from `object`; NULL with `e` filled. */
static const char *text_get(const cJSON *object, const char *name,
                            struct err *e)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsString(item) || item->valuestring[0] == '\0') {
        (void)err_set(e, ERR_INPUT, "shape: \"%s\" is no text", name);
        return NULL;
    }
    return item->valuestring;
}

/* An integer member; these are all small, so cJSON's double holds them. */
static int int_get(const cJSON *object, const char *name, int min, int *ret,
                   struct err *e)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    double n = cJSON_IsNumber(item) ? item->valuedouble : NAN;

    if (!(n >= min && n <= INT32_MAX) || (double)(int)n != n) {
        return err_set(e, ERR_INPUT, "shape: \"%s\" is no integer in range",
                       name);
    }
    *ret = (int)n;
    return 0;
}

static int bool_get(const cJSON *object, const char *name, bool *ret,
                    struct err *e)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsBool(item)) {
        return err_set(e, ERR_INPUT, "shape: \"%s\" is no bool", name);
    }
    *ret = cJSON_IsTrue(item) != 0;
    return 0;
}

static int column_read(const cJSON *object, struct shape_column *col,
                       struct err *e)
{
    const char *name = text_get(object, "name", e);
    const char *type = name ? text_get(object, "type", e) : NULL;
    const char *class = type ? text_get(object, "class", e) : NULL;
    int typmod, key;

    if (!class || int_get(object, "typmod", INT32_MIN, &typmod, e) < 0 ||
        int_get(object, "key", 0, &key, e) < 0 ||
        bool_get(object, "array", &col->array, e) < 0 ||
        bool_get(object, "nullable", &col->nullable, e) < 0) {
        return -1;
    }
    if (!class_parse(class, &col->class)) {
        return err_set(e, ERR_INPUT, "shape: unknown class \"%s\"", class);
    }
    col->typmod = typmod;
    col->key_index = (unsigned)key;
    col->name = xstrdup(name);
    col->type = xstrdup(type);
    return 0;
}

static int columns_read(const cJSON *array, struct shape *shape, struct err *e)
{
    int count = cJSON_GetArraySize(array);
    const cJSON *object;

    if (!cJSON_IsArray(array) || count > SHAPE_COLUMNS_MAX) {
        return err_set(e, ERR_INPUT,
                       "shape: \"columns\" is no array of at "
                       "most %d columns",
                       SHAPE_COLUMNS_MAX);
    }
    shape->columns = xcalloc((size_t)count, sizeof(*shape->columns));
    cJSON_ArrayForEach(object, array)
    {
        struct shape_column *col = &shape->columns[shape->column_count];

        if (column_read(object, col, e) < 0) {
            return err_wrap(e, "column %u", shape->column_count + 1);
        }
        shape->column_count++;
    }
    return 0;
}

/* Names are unique and key positions are 1 to key_count. */
static int columns_check(const struct shape *shape, struct err *e)
{
    for (unsigned i = 0; i < shape->column_count; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (strcmp(shape->columns[i].name, shape->columns[j].name) == 0) {
                return err_set(e, ERR_INPUT, "shape: column \"%s\" twice",
                               shape->columns[i].name);
            }
        }
    }
    for (unsigned k = 1; k <= shape->key_count; k++) {
        if (!shape_key_column(shape, k)) {
            return err_set(e, ERR_INPUT, "shape: no key column %u of %u", k,
                           shape->key_count);
        }
    }
    return 0;
}

/* Schema and table by their own members; where these are missing, "table"
   is split at its first dot. Both must agree with "table". */
static int names_read(const cJSON *object, struct shape *shape, struct err *e)
{
    const char *table = text_get(object, "table", e);
    const cJSON *schema = cJSON_GetObjectItemCaseSensitive(object, "namespace");
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "relation");
    size_t len;

    if (!table) {
        return -1;
    }
    len = cJSON_IsString(schema) ? strlen(schema->valuestring)
                                 : strcspn(table, ".");
    if (len == 0 || strlen(table) < len + 2 || table[len] != '.' ||
        (cJSON_IsString(schema) &&
         memcmp(table, schema->valuestring, len) != 0) ||
        (cJSON_IsString(name) &&
         strcmp(table + len + 1, name->valuestring) != 0)) {
        return err_set(e, ERR_INPUT, "shape: table \"%s\" is not schema.table",
                       table);
    }
    shape->schema = xstrndup(table, len);
    shape->name = xstrdup(table + len + 1);
    return 0;
}

static int object_read(const cJSON *object, struct shape *shape, struct err *e)
{
    const char *fingerprint, *profile, *topic;

    if (!cJSON_IsObject(object)) {
        return err_set(e, ERR_INPUT, "shape: no JSON object");
    }
    fingerprint = text_get(object, "schema", e);
    profile = fingerprint ? text_get(object, "profile", e) : NULL;
    topic = profile ? text_get(object, "topic", e) : NULL;
    if (!topic || names_read(object, shape, e) < 0) {
        return -1;
    }
    shape->profile = xstrdup(profile);
    shape->topic = xstrdup(topic);
    if (columns_read(cJSON_GetObjectItemCaseSensitive(object, "columns"), shape,
                     e) < 0) {
        return -1;
    }
    shape_seal(shape);
    if (strcmp(shape->fingerprint, fingerprint) != 0) {
        return err_set(e, ERR_INPUT,
                       "shape of %s: fingerprint %.32s, but its columns "
                       "give %s",
                       shape->name, fingerprint, shape->fingerprint);
    }
    return columns_check(shape, e);
}

int shape_read(struct str value, struct shape *ret_shape, struct err *e)
{
    struct shape shape = { 0 };
    const char *end = NULL;
    cJSON *object = cJSON_ParseWithLengthOpts(value.len > 0 ? value.p : "",
                                              value.len, &end, 0);
    int rc = -1;

    while (object && end < value.p + value.len && strchr(" \t\r\n", *end) &&
           *end) {
        end++;
    }
    if (!object || end != value.p + value.len) {
        (void)err_set(e, ERR_INPUT, "shape: malformed JSON");
    } else {
        rc = object_read(object, &shape, e);
    }
    cJSON_Delete(object);
    if (rc < 0) {
        shape_fini(&shape);
    } else {
        *ret_shape = shape;
    }
    return rc;
}

const struct shape_column *shape_column_find(const struct shape *shape,
                                             struct str name)
{
    for (unsigned i = 0; i < shape->column_count; i++) {
        if (str_eq(str_of(shape->columns[i].name), name)) {
            return &shape->columns[i];
        }
    }
    return NULL;
}

const struct shape_column *shape_key_column(const struct shape *shape,
                                            unsigned key_index)
{
    for (unsigned i = 0; key_index > 0 && i < shape->column_count; i++) {
        if (shape->columns[i].key_index == key_index) {
            return &shape->columns[i];
        }
    }
    return NULL;
}

bool shape_numeric(int32_t typmod, int *ret_precision, int *ret_scale)
{
    enum { HEADER = 4, SCALE_MASK = 0x7ff, SCALE_SIGN = 0x400 };
    int packed = typmod - HEADER, scale;

    if (typmod < HEADER) {
        return false;
    }
    scale = packed & SCALE_MASK;
    *ret_precision = packed >> 16 & 0xffff;
    *ret_scale = (scale ^ SCALE_SIGN) - SCALE_SIGN;
    return true;
}

void shape_label(struct buf *b, const struct shape *shape)
{
    if (strcmp(shape->schema, "public") != 0) {
        buf_str_add(b, str_of(shape->schema));
        buf_char(b, '.');
    }
    buf_str_add(b, str_of(shape->name));
}

/* ---- names in the targets ---------------------------------------------- */

/* The lower case of a letter with two bytes of UTF-8, for the scripts whose
   lower case is plain arithmetic: Latin-1, Latin Extended-A, Greek, Cyrillic.
   Fixed here rather than asked of the locale: the name must not depend on
   where the process runs. Elasticsearch refuses what is left, by name. */
static unsigned lower_two(unsigned c)
{
    if ((c >= 0xc0 && c <= 0xde && c != 0xd7) ||    /* À to Þ */
        (c >= 0x391 && c <= 0x3a9 && c != 0x3a2) || /* Α to Ω */
        (c >= 0x410 && c <= 0x42f)) {               /* А to Я */
        return c + 32;
    }
    if (c >= 0x400 && c <= 0x40f) { /* Ѐ to Џ */
        return c + 80;
    }
    if (c == 0x178) { /* Ÿ */
        return 0xff;
    }
    if ((c >= 0x100 && c <= 0x137 && c != 0x130) || /* pairs, even first */
        (c >= 0x14a && c <= 0x177)) {
        return c | 1;
    }
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e)) {
        return c + (c & 1); /* pairs, odd first */
    }
    return c;
}

/* Appends one character of a name; returns how many bytes it had. */
static size_t name_char(struct buf *b, const char *p, size_t left)
{
    unsigned char c = (unsigned char)*p;

    if ((c & 0xe0) == 0xc0 && left > 1) {
        unsigned code =
            lower_two((c & 0x1fU) << 6 | ((unsigned char)p[1] & 0x3fU));

        buf_char(b, (char)(0xc0 | code >> 6));
        buf_char(b, (char)(0x80 | (code & 0x3f)));
        return 2;
    }
    if (c >= 'A' && c <= 'Z') {
        c = (unsigned char)(c + 32);
    } else if (c <= ' ' || c == 0x7f || strchr("\\/*?\"<>|,#:", c)) {
        c = '_';
    }
    buf_char(b, (char)c);
    return 1;
}

static void name_add(struct buf *b, struct str name)
{
    for (size_t i = 0; i < name.len;) {
        i += name_char(b, name.p + i, name.len - i);
    }
}

void shape_alias(struct buf *b, const struct shape *shape)
{
    struct buf name;

    buf_init(&name, COLUMNS_TEXT_MAX);
    if (strcmp(shape->schema, "public") != 0) {
        name_add(&name, str_of(shape->schema));
        buf_char(&name, '.');
    }
    name_add(&name, str_of(shape->name));
    /* '.' is for hidden indices, the others are refused */
    if (name.len > 0 && strchr("-_+.", name.p[0])) {
        buf_char(b, 'x');
    }
    buf_str_add(b, buf_str(&name));
    buf_fini(&name);
}

void shape_ch_table(struct buf *b, const struct shape *shape)
{
    if (strcmp(shape->schema, "public") != 0) {
        buf_str_add(b, str_of(shape->schema));
        buf_char(b, '_');
    }
    buf_str_add(b, str_of(shape->name));
}

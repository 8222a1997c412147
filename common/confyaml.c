#include "common/confyaml.h"

#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    const char *name;
    struct confyaml yaml;
    struct buf key;                    /* of the innermost key */
    size_t prefix[CONFYAML_DEPTH_MAX]; /* length of key in each mapping */
    int depth;                         /* mappings that are open */
    int documents;
    bool has_key; /* a key was read, its value comes next */
    bool in_list;
    struct buf list;
    yaml_mark_t key_mark;
};

/* --- Errors -------------------------------------------------------------- */

static int fail(const struct reader *r, yaml_mark_t mark, const char *what,
                struct err *e)
{
    return err_set(e, ERR_CONFIG, "%s:%zu:%zu: %s", r->name, mark.line + 1,
                   mark.column + 1, what);
}

/* What usually is the reason. */
static const char *hint(const char *problem, const char *context)
{
    if (strstr(problem, "cannot start any token")) {
        return " (a tab? YAML is indented with spaces; or a value that needs "
               "quotes)";
    }
    if (context &&
        (strstr(context, "an alias") || strstr(context, "an anchor"))) {
        return " (a text that begins with & or * needs quotes)";
    }
    if (context && strstr(context, "flow")) {
        return " (inside { } and [ ] a \"${NAME}\" needs quotes)";
    }
    return "";
}

static int parser_fail(const struct reader *r, struct err *e)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "no memory";

    if (p->error == YAML_READER_ERROR) {
        return err_set(e, ERR_CONFIG,
                       "%s: byte %zu: %s; the file must be UTF-8 text", r->name,
                       p->problem_offset, problem);
    }
    (void)err_set(e, ERR_CONFIG, "%s:%zu:%zu: %s", r->name,
                  p->problem_mark.line + 1, p->problem_mark.column + 1,
                  problem);
    if (e && p->context && p->context_mark.line != p->problem_mark.line) {
        (void)err_set(e, ERR_CONFIG, "%s %s that begins in line %zu", e->text,
                      p->context, p->context_mark.line + 1);
    }
    if (e) {
        (void)err_set(e, ERR_CONFIG, "%s%s", e->text,
                      hint(problem, p->context));
    }
    return -1;
}

/* --- Entries ------------------------------------------------------------- */

static int entry_add(struct reader *r, enum confyaml_kind kind,
                     const char *text, struct err *e)
{
    struct confyaml *y = &r->yaml;
    const char *key = buf_z(&r->key);

    for (unsigned i = 0; i < y->count; i++) {
        if (strcmp(y->entries[i].key, key) == 0) {
            return err_set(e, ERR_CONFIG,
                           "%s:%zu:%zu: %s is here twice; it stands in line "
                           "%d, too",
                           r->name, r->key_mark.line + 1,
                           r->key_mark.column + 1, key, y->entries[i].line);
        }
    }
    if (y->count == CONFYAML_KEYS_MAX) {
        return fail(r, r->key_mark, "too many keys", e);
    }
    if (!y->entries) {
        y->entries = xcalloc(CONFYAML_KEYS_MAX, sizeof(*y->entries));
    }
    y->entries[y->count++] =
        (struct confyaml_entry){ .key = xstrdup(key),
                                 .text = text ? xstrdup(text) : NULL,
                                 .kind = kind,
                                 .line = (int)r->key_mark.line + 1,
                                 .column = (int)r->key_mark.column + 1 };
    return 0;
}

/* The key's value is done: back to the mapping's own prefix. */
static void value_end(struct reader *r)
{
    r->has_key = false;
    r->key.len = r->prefix[r->depth - 1];
}

static int key_read(struct reader *r, struct str word, struct err *e)
{
    r->key_mark = r->event.start_mark;
    if (word.len == 0) {
        return fail(r, r->key_mark, "a key is empty", e);
    }
    if (r->key.len > 0) {
        buf_char(&r->key, '.');
    }
    buf_str_add(&r->key, word);
    if (!buf_ok(&r->key)) {
        return fail(r, r->key_mark, "the key is too long", e);
    }
    r->has_key = true;
    return 0;
}

static bool is_null(const yaml_event_t *event, const char *text)
{
    static const char *const words[] = { "", "~", "null", "Null", "NULL" };

    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        for (size_t i = 0; i < COUNT_OF(words); i++) {
            if (strcmp(text, words[i]) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* --- Events -------------------------------------------------------------- */

static int refuse_extras(const struct reader *r, const yaml_char_t *anchor,
                         const yaml_char_t *tag, struct err *e)
{
    if (anchor) {
        return fail(r, r->event.start_mark,
                    "anchors and aliases are not supported: write the value "
                    "out; a text that begins with & or * needs quotes",
                    e);
    }
    if (tag) {
        return fail(r, r->event.start_mark,
                    "tags are not supported: write the plain value", e);
    }
    return 0;
}

static int scalar_read(struct reader *r, struct err *e)
{
    const yaml_event_t *event = &r->event;
    const char *text = (const char *)event->data.scalar.value;
    struct str word = { text, event->data.scalar.length };
    bool null = is_null(event, text);
    int rc;

    if (refuse_extras(r, event->data.scalar.anchor, event->data.scalar.tag, e) <
        0) {
        return -1;
    }
    if (memchr(text, '\0', word.len)) {
        return fail(r, event->start_mark, "a NUL in a text", e);
    }
    if (r->in_list) {
        if (word.len > 0) {
            buf_printf(&r->list, "%s%s", r->list.len > 0 ? "," : "", text);
        }
        return 0;
    }
    if (r->depth == 0) {
        if (null) {
            return 0; /* a document of comments alone */
        }
        return fail(r, event->start_mark,
                    "the file must hold keys and values: \"name: shop\"", e);
    }
    if (!r->has_key) {
        return key_read(r, word, e);
    }
    rc = entry_add(r, null ? CONFYAML_NULL : CONFYAML_VALUE, null ? NULL : text,
                   e);
    value_end(r);
    return rc;
}

/* A list or mapping begins where one may stand. */
static int begin_check(const struct reader *r, struct err *e)
{
    if (r->in_list) {
        return fail(r, r->event.start_mark,
                    "a list holds plain values, nothing nested", e);
    }
    if (r->depth > 0 && !r->has_key) {
        return fail(r, r->event.start_mark, "a key must be a plain word", e);
    }
    return 0;
}

static int mapping_begin(struct reader *r, struct err *e)
{
    if (refuse_extras(r, r->event.data.mapping_start.anchor,
                      r->event.data.mapping_start.tag, e) < 0 ||
        begin_check(r, e) < 0) {
        return -1;
    }
    if (r->depth == CONFYAML_DEPTH_MAX) {
        return fail(r, r->event.start_mark, "nested too deeply", e);
    }
    if (r->depth > 0 && entry_add(r, CONFYAML_SECTION, NULL, e) < 0) {
        return -1;
    }
    r->prefix[r->depth++] = r->key.len;
    r->has_key = false;
    return 0;
}

static int list_begin(struct reader *r, struct err *e)
{
    if (refuse_extras(r, r->event.data.sequence_start.anchor,
                      r->event.data.sequence_start.tag, e) < 0 ||
        begin_check(r, e) < 0) {
        return -1;
    }
    if (r->depth == 0) {
        return fail(r, r->event.start_mark,
                    "the file must hold keys and values, not a list", e);
    }
    r->in_list = true;
    buf_reset(&r->list);
    return 0;
}

static int list_end(struct reader *r, struct err *e)
{
    int rc = entry_add(r, CONFYAML_LIST, buf_z(&r->list), e);

    r->in_list = false;
    value_end(r);
    return rc;
}

static int event_read(struct reader *r, struct err *e)
{
    switch (r->event.type) {
    case YAML_ALIAS_EVENT:
        return refuse_extras(r, r->event.data.alias.anchor, NULL, e);
    case YAML_SCALAR_EVENT: return scalar_read(r, e);
    case YAML_SEQUENCE_START_EVENT: return list_begin(r, e);
    case YAML_SEQUENCE_END_EVENT: return list_end(r, e);
    case YAML_MAPPING_START_EVENT: return mapping_begin(r, e);
    case YAML_MAPPING_END_EVENT:
        if (--r->depth > 0) {
            value_end(r);
        }
        return 0;
    case YAML_DOCUMENT_START_EVENT:
        if (r->documents++ > 0) {
            return fail(r, r->event.start_mark,
                        "a second document; a file holds one", e);
        }
        return 0;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT: break;
    }
    return 0;
}

/* Until the end of the stream or an error. */
static int events_read(struct reader *r, struct err *e)
{
    bool end = false;

    while (!end) {
        int rc;

        if (!yaml_parser_parse(&r->parser, &r->event)) {
            return parser_fail(r, e);
        }
        end = r->event.type == YAML_STREAM_END_EVENT;
        rc = event_read(r, e);
        yaml_event_delete(&r->event);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

int confyaml_read(struct confyaml *ret_yaml, struct str text, const char *name,
                  struct err *e)
{
    struct reader *r;
    int rc;

    if (text.len > CONFYAML_BYTES_MAX) {
        return err_set(e, ERR_CONFIG, "%s: more than %d bytes", name,
                       CONFYAML_BYTES_MAX);
    }
    r = xcalloc(1, sizeof(*r));
    r->name = name;
    buf_init(&r->key, CONFYAML_KEY_CHARS_MAX + 1);
    buf_init(&r->list, 2 * CONFYAML_BYTES_MAX);
    CHECK(yaml_parser_initialize(&r->parser));
    yaml_parser_set_input_string(
        &r->parser, (const unsigned char *)(text.p ? text.p : ""), text.len);
    rc = events_read(r, e);
    yaml_parser_delete(&r->parser);
    if (rc == 0) {
        *ret_yaml = r->yaml;
    } else {
        confyaml_fini(&r->yaml);
    }
    buf_fini(&r->key);
    buf_fini(&r->list);
    xfree(r);
    return rc;
}

void confyaml_fini(struct confyaml *yaml)
{
    for (unsigned i = 0; i < yaml->count; i++) {
        xfree(yaml->entries[i].key);
        xfree(yaml->entries[i].text);
    }
    xfree(yaml->entries);
    *yaml = (struct confyaml){ 0 };
}

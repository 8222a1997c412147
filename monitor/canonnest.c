#include "monitor/canonnest.h"

#include "common/slice.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void canonnest_json(struct buf *b, struct str json)
{
    size_t from = 0;
    bool inside = false; /* a string */

    for (size_t i = 0; i < json.len; i++) {
        char c = json.p[i];

        if (inside && c == '\\') {
            i++;
        } else if (c == '"') {
            inside = !inside;
        } else if (!inside && is_blank(c)) {
            buf_add(b, json.p + from, i - from);
            from = i + 1;
        }
    }
    buf_add(b, json.p + from, json.len - from);
}

static void sized_add(struct buf *b, struct str s)
{
    buf_u64(b, s.len);
    buf_char(b, ':');
    buf_str_add(b, s);
}

/* One element, not null: json stays JSON, so that an element that is an
   array looks like what it becomes in the event. */
static bool element_add(struct canon *k, struct buf *b,
                        const struct canon_column *c, enum canon_side side,
                        struct str raw)
{
    if (c->class == SHAPE_JSON) {
        canonnest_json(b, raw);
        return true;
    }
    buf_reset(&k->element);
    if (!canon_scalar(k, &k->element, c, side, raw)) {
        return false;
    }
    sized_add(b, buf_str(&k->element));
    return true;
}

static void null_add(struct buf *b, const struct canon_column *c)
{
    if (c->class == SHAPE_JSON) {
        buf_lit(b, "null");
    } else {
        buf_char(b, '~');
    }
}

/* Takes an element of a PostgreSQL array to k->text; `ret_plain`: it stood
   without quotes, so NULL means null. Returns behind it, or NULL. */
static const char *pg_element_take(struct canon *k, const char *p,
                                   const char *end, char delimiter,
                                   bool *ret_plain)
{
    bool inside = false;

    buf_reset(&k->text);
    *ret_plain = true;
    for (; p < end; p++) {
        if (*p == '\\') {
            if (++p == end) {
                return NULL;
            }
            *ret_plain = false;
        } else if (*p == '"') {
            inside = !inside;
            *ret_plain = false;
            continue;
        } else if (!inside && (*p == delimiter || *p == '}')) {
            return p;
        }
        buf_char(&k->text, *p);
    }
    return NULL;
}

static bool is_null_word(struct str s)
{
    return s.len == 4 && strncasecmp(s.p, "null", 4) == 0;
}

bool canonnest_pg_array(struct canon *k, struct buf *b,
                        const struct canon_column *c, struct str text)
{
    const char *end = text.p + text.len;
    const char *p =
        text.len > 0 && text.p[0] == '[' ? memchr(text.p, '=', text.len) : NULL;
    unsigned depth = 0;
    bool plain;

    for (p = p ? p + 1 : text.p; p && p < end;) {
        if (*p == '{') {
            buf_char(b, '[');
            depth++;
            p++;
        } else if (depth == 0) {
            return false;
        } else if (*p == '}') {
            buf_char(b, ']');
            p++;
            if (--depth == 0) {
                break;
            }
        } else if (*p == c->delimiter) {
            if (c->class == SHAPE_JSON) {
                buf_char(b, ',');
            }
            p++;
        } else {
            p = pg_element_take(k, p, end, c->delimiter, &plain);
            if (p && plain && is_null_word(buf_str(&k->text))) {
                null_add(b, c);
            } else if (!p ||
                       !element_add(k, b, c, CANON_PG, buf_str(&k->text))) {
                return false;
            }
        }
    }
    return p == end && depth == 0 && text.len > 0;
}

bool canonnest_json_array(struct canon *k, struct buf *b,
                          const struct canon_column *c, struct str json)
{
    const char *p = json.p, *end = json.p + json.len;
    unsigned depth = 0;
    bool opened = false;

    if (c->class == SHAPE_JSON) {
        canonnest_json(b, json);
        return json.len > 0 && json.p[0] == '[';
    }
    while (p && p < end) {
        if (is_blank(*p) || *p == ',') {
            p++;
        } else if (*p == '[' && (depth > 0 || !opened)) {
            buf_char(b, '[');
            opened = true;
            depth++;
            p++;
        } else if (depth == 0) {
            return false;
        } else if (*p == ']') {
            buf_char(b, ']');
            depth--;
            p++;
        } else {
            struct str raw = { p, 0 };

            p = slice_skip(p, end);
            raw.len = p ? (size_t)(p - raw.p) : 0;
            if (p && slice_is_null(raw)) {
                null_add(b, c);
            } else if (!p || !element_add(k, b, c, CANON_ES, raw)) {
                return false;
            }
        }
    }
    return p && opened && depth == 0;
}

/* Takes a quoted text, without its quotes and backslashes, to `to`. */
static const char *pg_quoted_take(struct buf *to, const char *p,
                                  const char *end)
{
    buf_reset(to);
    if (p == end || *p != '"') {
        return NULL;
    }
    for (p++; p < end && *p != '"'; p++) {
        if (*p == '\\' && ++p == end) {
            return NULL;
        }
        buf_char(to, *p);
    }
    return p < end ? p + 1 : NULL;
}

static const char *literal_take(const char *p, const char *end,
                                struct str literal)
{
    return p && (size_t)(end - p) >= literal.len &&
                   memcmp(p, literal.p, literal.len) == 0
               ? p + literal.len
               : NULL;
}

bool canonnest_pg_hstore(struct canon *k, struct buf *b, struct str text)
{
    const char *p = text.p, *end = text.p + text.len, *null;

    buf_char(b, '{');
    while (p && p < end) {
        p = pg_quoted_take(&k->string, p, end);
        p = literal_take(p, end, STR("=>"));
        if (!p) {
            return false;
        }
        sized_add(b, buf_str(&k->string));
        null = literal_take(p, end, STR("NULL"));
        if (null) {
            buf_char(b, '~');
            p = null;
        } else {
            p = pg_quoted_take(&k->string, p, end);
            if (!p) {
                return false;
            }
            sized_add(b, buf_str(&k->string));
        }
        if (p < end) {
            p = literal_take(p, end, STR(", "));
        }
    }
    buf_char(b, '}');
    return p != NULL;
}

static bool json_string_add(struct canon *k, struct buf *b, struct str raw)
{
    buf_reset(&k->string);
    if (!slice_string(raw, &k->string)) {
        return false;
    }
    sized_add(b, buf_str(&k->string));
    return true;
}

bool canonnest_json_hstore(struct canon *k, struct buf *b, struct str json)
{
    struct slice s;
    struct str name, value;
    enum slice_result rc;

    if (!slice_object(&s, json)) {
        return false;
    }
    buf_char(b, '{');
    while ((rc = slice_member(&s, &name, &value)) == SLICE_ITEM) {
        /* the raw name stands between its quotes */
        if (!json_string_add(k, b, (struct str){ name.p - 1, name.len + 2 })) {
            return false;
        }
        if (slice_is_null(value)) {
            buf_char(b, '~');
        } else if (!json_string_add(k, b, value)) {
            return false;
        }
    }
    buf_char(b, '}');
    return rc == SLICE_END;
}

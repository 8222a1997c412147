#include "common/confshow.h"

#include "common/conftext.h"
#include "common/confvalue.h"

enum { VALUE_BYTES_MAX = 4 << 20, COMMENT_COLUMN = 48 };

/* --- YAML ---------------------------------------------------------------- */

/* Needs no quotes, wherever it stands, and is no null. */
static bool is_plain(struct str s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    if (s.len == 0 || !memchr(letters, s.p[0], sizeof(letters) - 1) ||
        s.p[s.len - 1] == ':' || str_eq(s, STR("null")) ||
        str_eq(s, STR("Null")) || str_eq(s, STR("NULL"))) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (!memchr(letters, s.p[i], sizeof(letters) - 1) &&
            !strchr("_./:-", s.p[i])) {
            return false;
        }
    }
    return true;
}

static void text_write(struct buf *b, struct str s)
{
    if (is_plain(s)) {
        buf_str_add(b, s);
        return;
    }
    buf_char(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '"' || c == '\\') {
            buf_printf(b, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            buf_printf(b, "\\x%02x", c);
        } else {
            if (c == '$' && i + 1 < s.len && s.p[i + 1] == '{') {
                buf_char(b, '$'); /* it is no variable any more */
            }
            buf_char(b, (char)c);
        }
    }
    buf_char(b, '"');
}

static void list_write(struct buf *b, const char *list)
{
    buf_char(b, '[');
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, ",");

        if (at != list) {
            buf_lit(b, ", ");
        }
        text_write(b, (struct str){ at, len });
        at += len + (at[len] == ',');
    }
    buf_char(b, ']');
}

/* --- Lines --------------------------------------------------------------- */

/* The sections that open in front of a key. */
static void sections_write(struct buf *b, const char *before, const char *key)
{
    for (int i = conftext_common(before, key); i < conftext_depth(key); i++) {
        buf_printf(b, "%*s%.*s:\n", 2 * i, "", STR_ARG(conftext_part(key, i)));
    }
}

static void value_write(struct buf *b, const struct conf_option *o,
                        const void *cfg, size_t offset)
{
    struct buf text;

    buf_init(&text, VALUE_BYTES_MAX);
    confvalue_show(o, cfg, offset, &text);
    if (o->type == CONF_LIST && !o->secret) {
        list_write(b, buf_z(&text));
    } else {
        text_write(b, buf_str(&text));
    }
    buf_fini(&text);
}

static void line_write(struct buf *b, const struct confsource *source,
                       const struct conf_option *o,
                       const struct confsource_value *v, const void *cfg)
{
    int depth = conftext_depth(o->key);
    size_t begin = b->len;
    const char *origin = v->name;

    buf_printf(b, "%*s%.*s:", 2 * depth, "",
               STR_ARG(conftext_part(o->key, depth)));
    if (v->text) {
        buf_char(b, ' ');
        value_write(b, o, cfg, conf_bind_of(source->program, o)->offset);
    } else {
        origin = o->required & source->program->bit ? "not set, but required"
                                                    : "not set";
    }
    do {
        buf_char(b, ' ');
    } while (b->len < begin + COMMENT_COLUMN && buf_ok(b));
    buf_printf(b, "# %s\n", origin);
}

static int option_write(struct buf *b, const struct confsource *source,
                        const struct conf_option *o, void *cfg, struct err *e)
{
    struct confsource_value v;
    int rc = confsource_find(source, o, &v, e);

    if (rc == 0 && v.text) {
        rc = confsource_store(source, o, cfg, e);
    }
    if (rc == 0 && conftext_in_file(o)) {
        line_write(b, source, o, &v, cfg);
    }
    confsource_fini(&v);
    return rc;
}

int confshow_write(const struct confsource *source, void *cfg, struct buf *b,
                   struct err *e)
{
    const struct conf_option *o = NULL;
    const char *before = "";

    buf_printf(b,
               "# Settings of %s in force%s%s. Hidden: \"***\".\nversion: 1\n",
               source->program->name, source->file ? ", with the file " : "",
               source->file ? conffile_name(source->file) : "");
    while ((o = conf_next(source->program, o))) {
        if (conftext_in_file(o)) {
            sections_write(b, before, o->key);
            before = o->key;
        }
        if (option_write(b, source, o, cfg, e) < 0) {
            return -1;
        }
    }
    return buf_ok(b) ? 0 : err_set(e, ERR_CONFIG, "the settings are too long");
}

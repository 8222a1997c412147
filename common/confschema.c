#include "common/confschema.h"

#include "common/conftext.h"
#include "common/json.h"

static void string_write(struct buf *b, const char *text)
{
    json_string(b, str_of(text));
}

/* --- One option ---------------------------------------------------------- */

static void number_write(struct buf *b, const struct conf_option *o,
                         const char *units)
{
    buf_printf(b,
               "{\"type\":\"integer\",\"minimum\":%d,\"maximum\":%d},"
               "{\"type\":\"string\",\"pattern\":\"^-?[0-9]+%s$|\\\\$\\\\{\"}",
               o->min, o->max, units);
}

static void choices_write(struct buf *b, const char *choices)
{
    const char *before = "";

    buf_lit(b, "{\"enum\":[");
    for (const char *at = choices; *at;) {
        size_t len = strcspn(at, " ");

        buf_printf(b, "%s\"%.*s\"", before, (int)len, at);
        before = ",";
        at += len + strspn(at + len, " ");
    }
    buf_lit(b, "]},{\"type\":\"string\",\"pattern\":\"\\\\$\\\\{\"}");
}

static void types_write(struct buf *b, const struct conf_option *o)
{
    static const char text[] = "{\"type\":[\"string\",\"number\",\"boolean\"]}";

    switch (o->type) {
    case CONF_INT: number_write(b, o, ""); break;
    case CONF_MS: number_write(b, o, "(ms|s|m|h)?"); break;
    case CONF_BYTES: number_write(b, o, "(B|KiB|MiB|GiB)?"); break;
    case CONF_BOOL:
        buf_lit(b, "{\"type\":\"boolean\"},{\"type\":\"string\",\"pattern\":"
                   "\"^(yes|no|on|off|true|false|0|1)$|\\\\$\\\\{\"}");
        break;
    case CONF_CHOICE: choices_write(b, o->choices); break;
    case CONF_LIST:
        buf_printf(b, "%s,{\"type\":\"array\",\"items\":%s}", text, text);
        break;
    case CONF_STRING:
    case CONF_URL: buf_lit(b, "{\"type\":[\"string\",\"number\",\"boolean\"]}");
    }
    if (o->secret) {
        buf_lit(b, ",{\"type\":\"object\",\"properties\":{\"file\":{\"type\":"
                   "\"string\"}},\"required\":[\"file\"],"
                   "\"additionalProperties\":false}");
    }
    buf_lit(b, ",{\"type\":\"null\"}");
}

static void option_write(struct buf *b, const struct conf_option *o)
{
    struct buf text;

    buf_init(&text, 4096);
    buf_printf(&text, "%s. Variable %s. For: ", o->help, o->env ? o->env : "-");
    conftext_programs(&text, o->programs);
    buf_lit(b, "{\"description\":");
    string_write(b, buf_z(&text));
    buf_fini(&text);
    if (o->def) {
        buf_lit(b, ",\"default\":");
        string_write(b, o->def);
    }
    buf_lit(b, ",\"anyOf\":[");
    types_write(b, o);
    buf_lit(b, "]}");
}

/* --- Sections ------------------------------------------------------------ */

static void name_write(struct buf *b, int depth, struct str name)
{
    if (b->len > 0 && b->p[b->len - 1] != '{') {
        buf_char(b, ',');
    }
    buf_printf(b, "\n%*s\"%.*s\":", 2 + 2 * depth, "", STR_ARG(name));
}

static void section_open(struct buf *b, int depth, struct str name)
{
    name_write(b, depth, name);
    buf_lit(b, "{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,"
               "\"properties\":{");
}

void confschema_write(struct buf *b, const struct conf_option *options)
{
    const char *before = "";

    buf_lit(b, "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\n"
               "\"title\":\"data-sync: configuration of all programs\",\n"
               "\"type\":\"object\",\"additionalProperties\":false,"
               "\"properties\":{\n  \"version\":{\"description\":\"version of "
               "this format\",\"enum\":[1,\"1\"]}");
    for (const struct conf_option *o = options; o->key; o++) {
        int common, depth;

        if (!conftext_in_file(o)) {
            continue;
        }
        common = conftext_common(before, o->key);
        depth = conftext_depth(o->key);
        for (int i = conftext_depth(before); i > common; i--) {
            buf_lit(b, "}}");
        }
        for (int i = common; i < depth; i++) {
            section_open(b, i, conftext_part(o->key, i));
        }
        name_write(b, depth, conftext_part(o->key, depth));
        option_write(b, o);
        before = o->key;
    }
    for (int i = conftext_depth(before); i > 0; i--) {
        buf_lit(b, "}}");
    }
    buf_lit(b, "\n}}\n");
}

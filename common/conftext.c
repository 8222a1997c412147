#include "common/conftext.h"

const char *conftext_placeholder(const struct conf_option *o)
{
    static const char *const words[] = {
        [CONF_STRING] = "TEXT", [CONF_URL] = "URL", [CONF_LIST] = "LIST",
        [CONF_CHOICE] = "WORD", [CONF_INT] = "N",   [CONF_MS] = "DURATION",
        [CONF_BYTES] = "SIZE",  [CONF_BOOL] = "",
    };

    return strcmp(o->key, "config") == 0 ? "FILE" : words[o->type];
}

bool conftext_in_file(const struct conf_option *o)
{
    return !o->no_file && !o->command;
}

/* --- Groups -------------------------------------------------------------- */

struct str conftext_group(const struct conf_option *o)
{
    size_t len = strcspn(o->key, ".");

    if (o->key[len] && strncmp(o->key, "sinks.", 6) == 0) {
        len += 1 + strcspn(o->key + len + 1, ".");
    }
    return o->key[len] ? (struct str){ o->key, len } : STR("general");
}

bool conftext_begins_group(const struct conf_option *options, unsigned mask,
                           const struct conf_option *o)
{
    for (const struct conf_option *p = options; p != o; p++) {
        if ((p->programs & mask) &&
            str_eq(conftext_group(p), conftext_group(o))) {
            return false;
        }
    }
    return true;
}

void conftext_programs(struct buf *b, unsigned programs)
{
    static const char *const names[] = { "producer", "sink-es",
                                         "sink-clickhouse", "monitor" };
    const char *before = "";

    if (programs == CONF_ALL) {
        buf_lit(b, "all");
        return;
    }
    for (unsigned i = 0; i < COUNT_OF(names); i++) {
        if (programs & (1U << i)) {
            buf_printf(b, "%s%s", before, names[i]);
            before = ", ";
        }
    }
}

/* --- Keys ---------------------------------------------------------------- */

int conftext_depth(const char *key)
{
    int dots = 0;

    for (; *key; key++) {
        dots += *key == '.';
    }
    return dots;
}

int conftext_common(const char *before, const char *key)
{
    int common = 0;

    for (int i = 0; i < conftext_depth(key) && i < conftext_depth(before);
         i++) {
        if (!str_eq(conftext_part(before, i), conftext_part(key, i))) {
            break;
        }
        common++;
    }
    return common;
}

struct str conftext_part(const char *key, int number)
{
    while (number-- > 0) {
        key += strcspn(key, ".");
        key += *key == '.';
    }
    return (struct str){ key, strcspn(key, ".") };
}

/* --- Lines --------------------------------------------------------------- */

/* How much of `text` goes on one line: a word, or what fits of a word that is
   longer than a line, cut behind a comma. */
static size_t word_length(const char *text, size_t room)
{
    size_t len = strcspn(text, " "), cut = room;

    if (len <= room) {
        return len;
    }
    while (cut > 0 && text[cut - 1] != ',') {
        cut--;
    }
    return cut > 0 ? cut : len;
}

void conftext_wrap(struct buf *b, int indent, int columns, const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t len = word_length(text, (size_t)(columns - indent));

        if (column > 0 && column + 1 + len > (size_t)columns) {
            buf_char(b, '\n');
            column = 0;
        }
        if (column == 0) {
            buf_printf(b, "%*s", indent, "");
            column = (size_t)indent;
        } else {
            buf_char(b, ' ');
            column++;
        }
        buf_add(b, text, len);
        column += len;
        text += len + strspn(text + len, " ");
    }
    buf_char(b, '\n');
}

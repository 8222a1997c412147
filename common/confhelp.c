#include "common/confhelp.h"

#include <stdio.h>

enum { COLUMNS = 79, HELP_BYTES_MAX = 1 << 20 };

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

/* Appends `text` in lines of COLUMNS, each with `indent` spaces. */
static void text_wrap(struct buf *b, int indent, const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t len = word_length(text, (size_t)(COLUMNS - indent));

        if (column > 0 && column + 1 + len > COLUMNS) {
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

/* "[CDC_BATCH_SIZE; 1 to 1000; default 100]" */
static void facts_write(struct buf *b, const struct conf_row *row)
{
    struct buf facts;

    buf_init(&facts, HELP_BYTES_MAX);
    buf_printf(&facts, "[%s", row->env ? row->env : "no variable");
    if (row->env && row->secret) {
        buf_printf(&facts, " or %s_FILE", row->env);
    }
    if (row->type == CONF_INT) {
        buf_printf(&facts, "; %d to %d", row->min, row->max);
    }
    if (row->def && row->def[0]) {
        buf_printf(&facts, "; default %s", row->def);
    } else if (row->required) {
        buf_lit(&facts, "; required");
    }
    buf_char(&facts, ']');
    text_wrap(b, 6, buf_z(&facts));
    buf_fini(&facts);
}

static void row_write(struct buf *b, const struct conf_row *row)
{
    static const char *const values[] = {
        [CONF_STRING] = " TEXT",
        [CONF_INT] = " N",
        [CONF_BOOL] = "",
    };

    if (row->flag) {
        buf_printf(b, "  --%s%s\n", row->flag, values[row->type]);
    } else {
        buf_printf(b, "  %s\n", row->env ? row->env : row->key);
    }
    text_wrap(b, 6, row->help);
    facts_write(b, row);
}

/* The part of a key in front of its first dot; all others share one. */
static struct str group_of(const struct conf_row *row)
{
    size_t len = strcspn(row->key, ".");

    return row->key[len] ? (struct str){ row->key, len } : STR("general");
}

/* Writes the rows of a group, whatever table they stand in; does so where
   the group appears first, so that each comes once. */
static void group_write(struct buf *b, const struct conf_program *program,
                        const struct conf_row *first)
{
    struct str group = group_of(first);
    bool begun = false;

    for (const struct conf_row *const *table = program->tables; *table;
         table++) {
        for (const struct conf_row *row = *table; row->key; row++) {
            if (!str_eq(group_of(row), group)) {
                continue;
            }
            if (!begun && row != first) {
                return; /* written before */
            }
            if (!begun) {
                buf_printf(b, "\n%.*s:\n", STR_ARG(group));
                begun = true;
            }
            row_write(b, row);
        }
    }
}

void confhelp_write(struct buf *b, const struct conf_program *program)
{
    buf_printf(b, "%s - %s\n\nUsage: %s [", program->name, program->summary,
               program->name);
    for (const char *const *c = program->commands; *c; c++) {
        buf_printf(b, "%s%s", c == program->commands ? "" : "|", *c);
    }
    buf_printf(b, "] [OPTION...]\n(without a command: %s)\n",
               program->commands[0]);
    if (program->examples) {
        buf_printf(b, "\nExamples:\n%s", program->examples);
    }
    buf_lit(b, "\nOptions, as --flag VALUE or --flag=VALUE. Each has an "
               "environment variable,\nwhich the flag overrides; NAME_FILE "
               "names a file that holds the value.\n");
    for (const struct conf_row *const *table = program->tables; *table;
         table++) {
        for (const struct conf_row *row = *table; row->key; row++) {
            group_write(b, program, row);
        }
    }
    buf_lit(b, "\n  -h, --help\n      this text\n"
               "  -V, --version\n      name and version\n"
               "\nExit codes: 0 ok, 1 failure, 64 usage, 69 dependency "
               "unreachable, 70 bug,\n75 temporary, 77 permission, "
               "78 configuration.\n");
}

void confhelp_print(const struct conf_program *program)
{
    struct buf b;

    buf_init(&b, HELP_BYTES_MAX);
    confhelp_write(&b, program);
    (void)fwrite(buf_str(&b).p, 1, b.len, stdout);
    buf_fini(&b);
}

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
static void facts_write(struct buf *b, const struct conf_program *program,
                        const struct conf_option *o)
{
    struct buf facts;

    buf_init(&facts, HELP_BYTES_MAX);
    buf_printf(&facts, "[%s", o->env ? o->env : "no variable");
    if (o->env && o->secret) {
        buf_printf(&facts, " or %s_FILE", o->env);
    }
    if (o->type == CONF_INT) {
        buf_printf(&facts, "; %d to %d", o->min, o->max);
    }
    if (o->def && o->def[0]) {
        buf_printf(&facts, "; default %s", o->def);
    } else if (o->required & program->bit) {
        buf_lit(&facts, "; required");
    }
    buf_char(&facts, ']');
    text_wrap(b, 6, buf_z(&facts));
    buf_fini(&facts);
}

static void option_write(struct buf *b, const struct conf_program *program,
                         const struct conf_option *o)
{
    static const char *const values[] = {
        [CONF_STRING] = "TEXT", [CONF_URL] = "URL", [CONF_LIST] = "LIST",
        [CONF_CHOICE] = "WORD", [CONF_INT] = "N",   [CONF_MS] = "DURATION",
        [CONF_BYTES] = "SIZE",  [CONF_BOOL] = "",
    };

    if (o->flag) {
        if (o->letter) {
            buf_printf(b, "  -%c,", o->letter);
        }
        buf_printf(b, "%s--%s%s%s\n", o->letter ? " " : "  ", o->flag,
                   o->type == CONF_BOOL ? "" : " ", values[o->type]);
    } else {
        buf_printf(b, "  %s\n", o->env ? o->env : o->key);
    }
    text_wrap(b, 6, o->help);
    facts_write(b, program, o);
}

/* The part of a key in front of its first dot; all others share one. */
static struct str group_of(const struct conf_option *o)
{
    size_t len = strcspn(o->key, ".");

    return o->key[len] ? (struct str){ o->key, len } : STR("general");
}

/* Writes the options of a group where the first of it stands, so that each
   comes once. */
static void group_write(struct buf *b, const struct conf_program *program,
                        const struct conf_option *first)
{
    struct str group = group_of(first);
    const struct conf_option *o = NULL;

    while ((o = conf_next(program, o)) && o != first) {
        if (str_eq(group_of(o), group)) {
            return; /* written before */
        }
    }
    buf_printf(b, "\n%.*s:\n", STR_ARG(group));
    for (o = first; o; o = conf_next(program, o)) {
        if (str_eq(group_of(o), group)) {
            option_write(b, program, o);
        }
    }
}

void confhelp_write(struct buf *b, const struct conf_program *program)
{
    const struct conf_command *c = program->commands;
    const struct conf_option *o = NULL;

    buf_printf(b, "%s - %s\n\nUsage: %s [", program->name, program->summary,
               program->name);
    for (; c->name; c++) {
        buf_printf(b, "%s%s", c == program->commands ? "" : "|", c->name);
    }
    buf_printf(b, "] [OPTION...]\n(without a command: %s)\n",
               program->commands[0].name);
    if (program->examples) {
        buf_printf(b, "\nExamples:\n%s", program->examples);
    }
    buf_lit(b,
            "\nOptions, as --flag VALUE or --flag=VALUE. A flag overrides its "
            "variable, a\nvariable the file. NAME_FILE names a file that "
            "holds the value of NAME.\n");
    while ((o = conf_next(program, o))) {
        group_write(b, program, o);
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

#include "common/confman.h"

#include "common/conftext.h"
#include "common/confvalue.h"

static const char *const program_names[] = { "cdc-producer", "cdc-sink-es",
                                             "cdc-sink-clickhouse",
                                             "cdc-monitor" };

/* Text of which no character is markup. */
static void plain_write(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (strchr("_*\\<>#~`", *text)) {
            buf_char(b, '\\');
        }
        buf_char(b, *text);
    }
}

/* A sentence: "what it does" -> "What it does." */
static void sentence_write(struct buf *b, const char *text)
{
    size_t len = strlen(text);
    size_t begin = b->len;

    plain_write(b, text);
    if (begin < b->len && b->p[begin] >= 'a' && b->p[begin] <= 'z') {
        b->p[begin] = (char)(b->p[begin] - 'a' + 'A');
    }
    if (len > 0 && text[len - 1] != '?') {
        buf_char(b, '.');
    }
}

static void bold_write(struct buf *b, const char *before, const char *text)
{
    buf_printf(b, "*%s", before);
    plain_write(b, text);
    buf_char(b, '*');
}

/* --- Section 1 ----------------------------------------------------------- */

static void commands_write(struct buf *b, const struct conf_program *program)
{
    const struct conf_command *c;

    buf_lit(b, "\n# COMMANDS\n\n");
    for (unsigned i = 0; (c = conf_command_at(program, i)); i++) {
        bold_write(b, "", c->name);
        if (c->words) {
            buf_lit(b, " [_WORD_]");
        }
        buf_lit(b, "\n\t");
        sentence_write(b, c->help);
        if (c->words) {
            buf_lit(b, " _WORD_ is one of: ");
            plain_write(b, c->words);
            buf_char(b, '.');
        }
        buf_printf(b, "%s\n\n", i == 0 ? " The default." : "");
    }
}

static void origin_write(struct buf *b, const struct conf_option *o,
                         unsigned bit)
{
    buf_lit(b, "\n\t");
    sentence_write(b, o->help);
    if (o->command) {
        buf_lit(b, " For the command ");
        plain_write(b, o->command);
        buf_char(b, '.');
    }
    if (o->choices) {
        buf_printf(b, " One of: %s.", o->choices);
    }
    if (confvalue_has_range(o)) {
        buf_lit(b, " From ");
        confvalue_range(o, b);
        buf_char(b, '.');
    }
    if (o->def && o->def[0] && o->type != CONF_BOOL) {
        buf_lit(b, " Default: ");
        plain_write(b, o->def);
        buf_char(b, '.');
    } else if (o->required & bit) {
        buf_lit(b, " Required.");
    }
    buf_lit(b, "\n\n");
}

static void options_write(struct buf *b, const struct conf_program *program)
{
    const struct conf_option *o = NULL;

    buf_lit(b, "# OPTIONS\n\nA flag overrides its variable, a variable the "
               "file. Durations are 500ms, 30s, 5m, 1h; sizes 512KiB, 8MiB.\n"
               "\n");
    while ((o = conf_next(program, o))) {
        const char *placeholder = conftext_placeholder(o);

        if (o->letter) {
            buf_printf(b, "*-%c*, ", o->letter);
        }
        if (o->flag) {
            bold_write(b, "--", o->flag);
            buf_printf(b, placeholder[0] ? " _%s_" : "%s", placeholder);
        }
        if (o->env) {
            buf_printf(b, "%s", o->flag ? ", " : "");
            bold_write(b, "", o->env);
        }
        if (o->env && o->secret) {
            buf_lit(b, " or ");
            plain_write(b, o->env);
            buf_lit(b, "\\_FILE");
        }
        origin_write(b, o, program->bit);
    }
    buf_lit(b, "*-h*, *--help*\n\tA summary of all this.\n\n"
               "*-V*, *--version*\n\tVersion and revision.\n\n");
}

static void examples_write(struct buf *b, const char *examples)
{
    buf_lit(b, "# EXAMPLES\n\n");
    for (const char *at = examples; *at;) {
        size_t len = strcspn(at, "\n"), blanks = strspn(at, " ");
        char *line = xstrndup(at + blanks, len - blanks);

        buf_char(b, '\t');
        plain_write(b, line);
        buf_lit(b, "\n\n");
        xfree(line);
        at += len + (at[len] == '\n');
    }
}

static void see_also_write(struct buf *b, const char *self)
{
    const char *before = "";

    buf_lit(b, "# SEE ALSO\n\n");
    for (size_t i = 0; i < COUNT_OF(program_names); i++) {
        if (strcmp(program_names[i], self) != 0) {
            buf_printf(b, "%s*%s*(1)", before, program_names[i]);
            before = ", ";
        }
    }
    buf_printf(b, "%s\n",
               strcmp(self, "data-sync.yaml") ? ", *data-sync.yaml*(5)" : "");
}

void confman_program(struct buf *b, const struct conf_program *program)
{
    buf_printf(b, "%s(1)\n\n# NAME\n\n%s - ", program->name, program->name);
    plain_write(b, program->summary);
    buf_printf(b, "\n\n# SYNOPSIS\n\n*%s* [_COMMAND_] [_OPTION_...]\n",
               program->name);
    commands_write(b, program);
    options_write(b, program);
    if (program->examples) {
        examples_write(b, program->examples);
    }
    buf_lit(b, "# FILES\n\n" CONF_FILE_DEFAULT
               "\n\tSettings of all programs; see *data-sync.yaml*(5).\n\n"
               "# SIGNALS\n\nThe first SIGTERM or SIGINT finishes what is "
               "begun and ends; a second one ends at once.\n\n"
               "# EXIT STATUS\n\n0 ok, 1 failure, 64 usage, 69 a service does "
               "not answer, 70 a bug, 75 temporary, 77 permission, 78 "
               "configuration.\n\n");
    see_also_write(b, program->name);
}

/* --- Section 5 ----------------------------------------------------------- */

void confman_file(struct buf *b, const struct conf_option *options)
{
    buf_lit(b, "data-sync.yaml(5)\n\n# NAME\n\ndata-sync.yaml - settings of "
               "all programs of data-sync\n\n# DESCRIPTION\n\n"
               "One YAML file serves *cdc-producer*(1), *cdc-sink-es*(1), "
               "*cdc-sink-clickhouse*(1) and *cdc-monitor*(1): each takes its "
               "own keys. Environment and flags override it. Keys are nested "
               "or dotted; a list may be a text with commas.\n\n"
               "${NAME} is a variable's value, ${NAME:-text} has a default, "
               "${NAME:?message} an error of your own, $${ is a literal ${. A "
               "secret takes {file: PATH} instead of a value.\n\n"
               "# KEYS\n\n*version*\n\tVersion of this format: 1.\n\n");
    for (const struct conf_option *o = options; o->key; o++) {
        if (!conftext_in_file(o)) {
            continue;
        }
        bold_write(b, "", o->key);
        if (conftext_placeholder(o)[0]) {
            buf_printf(b, " _%s_", conftext_placeholder(o));
        }
        buf_lit(b, " (");
        conftext_programs(b, o->programs);
        buf_char(b, ')');
        origin_write(b, o, o->required);
    }
    buf_lit(b, "# FILES\n\n" CONF_FILE_DEFAULT "\n\n");
    see_also_write(b, "data-sync.yaml");
}

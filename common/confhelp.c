#include "common/confhelp.h"

#include <stdio.h>

#include "common/conftext.h"
#include "common/confvalue.h"

enum { COLUMNS = 79, HELP_BYTES_MAX = 1 << 20 };

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
    if (confvalue_has_range(o)) {
        buf_lit(&facts, "; ");
        confvalue_range(o, &facts);
    }
    if (o->choices) {
        buf_printf(&facts, "; one of: %s", o->choices);
    }
    if (o->def && o->def[0]) {
        buf_printf(&facts, "; default %s", o->def);
    } else if (o->required & program->bit) {
        buf_lit(&facts, "; required");
    }
    buf_char(&facts, ']');
    conftext_wrap(b, 6, COLUMNS, buf_z(&facts));
    buf_fini(&facts);
}

static void option_write(struct buf *b, const struct conf_program *program,
                         const struct conf_option *o)
{
    if (o->flag) {
        if (o->letter) {
            buf_printf(b, "  -%c,", o->letter);
        }
        buf_printf(b, "%s--%s%s%s\n", o->letter ? " " : "  ", o->flag,
                   o->type == CONF_BOOL ? "" : " ", conftext_placeholder(o));
    } else {
        buf_printf(b, "  %s\n", o->env ? o->env : o->key);
    }
    conftext_wrap(b, 6, COLUMNS, o->help);
    facts_write(b, program, o);
}

static struct str group_of(const struct conf_option *o)
{
    return o->command ? str_of(o->command) : conftext_group(o);
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
    buf_printf(b, "\n%s%.*s:\n", first->command ? "for the command " : "",
               STR_ARG(group));
    for (o = first; o; o = conf_next(program, o)) {
        if (str_eq(group_of(o), group)) {
            option_write(b, program, o);
        }
    }
}

static void commands_write(struct buf *b, const struct conf_program *program)
{
    const struct conf_command *c;

    buf_lit(b, "\nCommands:\n");
    for (unsigned i = 0; (c = conf_command_at(program, i)); i++) {
        buf_printf(b, "  %s%s\n", c->name, i == 0 ? " (the default)" : "");
        conftext_wrap(b, 6, COLUMNS, c->help);
        if (c->words) {
            conftext_wrap(b, 6, COLUMNS, c->words);
        }
    }
}

void confhelp_write(struct buf *b, const struct conf_program *program)
{
    const struct conf_option *o = NULL;

    buf_printf(b, "%s - %s\n\nUsage: %s [COMMAND] [OPTION...]\n", program->name,
               program->summary, program->name);
    if (program->examples) {
        buf_printf(b, "\nExamples:\n%s", program->examples);
    }
    commands_write(b, program);
    buf_lit(b, "\nOptions, as --flag VALUE or --flag=VALUE. A flag overrides "
               "its variable, a\nvariable the file. NAME_FILE names a file "
               "that holds the value of NAME.\nDurations are 500ms, 30s, 5m, "
               "1h; sizes 512KiB, 8MiB.\n");
    while ((o = conf_next(program, o))) {
        group_write(b, program, o);
    }
    buf_lit(b, "\n  -h, --help\n      this text\n"
               "  -V, --version\n      version and revision\n"
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

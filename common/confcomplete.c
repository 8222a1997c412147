#include "common/confcomplete.h"

/* Inside single quotes, which fish and zsh descriptions stand in; brackets
   and colons part the fields of zsh. */
static void quoted_write(struct buf *b, const char *text, const char *escape)
{
    for (; *text; text++) {
        if (*text == '\'') {
            buf_lit(b, "'\\''");
        } else {
            if (strchr(escape, *text)) {
                buf_char(b, '\\');
            }
            buf_char(b, *text);
        }
    }
}

static bool is_file(const struct conf_option *o)
{
    return strcmp(o->key, "config") == 0;
}

static bool is_bool(const struct conf_option *o)
{
    return o->type == CONF_BOOL;
}

/* --- bash ---------------------------------------------------------------- */

static void bash_flags(struct buf *b, const struct conf_program *program)
{
    const struct conf_option *o = NULL;

    buf_lit(b, "    local flags='--help --version");
    while ((o = conf_next(program, o))) {
        if (o->flag) {
            buf_printf(b, " --%s%s", o->flag, is_bool(o) ? "" : "=");
        }
    }
    buf_lit(b, "'\n    local commands='");
    for (unsigned i = 0; conf_command_at(program, i); i++) {
        buf_printf(b, "%s%s", i ? " " : "", conf_command_at(program, i)->name);
    }
    buf_lit(b, "'\n");
}

/* What follows a flag or a command. */
static void bash_values(struct buf *b, const struct conf_program *program)
{
    const struct conf_option *o = NULL;
    const struct conf_command *c;

    buf_lit(b, "    case $before in\n");
    while ((o = conf_next(program, o))) {
        if (!o->flag || is_bool(o)) {
            continue;
        }
        buf_printf(b, "    --%s", o->flag);
        if (o->letter) {
            buf_printf(b, " | -%c", o->letter);
        }
        if (is_file(o)) {
            buf_lit(b, ") COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n");
        } else {
            buf_printf(b,
                       ") COMPREPLY=($(compgen -W '%s' -- \"$word\")); return "
                       ";;\n",
                       o->choices ? o->choices : "");
        }
    }
    for (unsigned i = 0; (c = conf_command_at(program, i)); i++) {
        if (c->words) {
            buf_printf(b,
                       "    %s) COMPREPLY=($(compgen -W '%s' -- \"$word\")); "
                       "return ;;\n",
                       c->name, c->words);
        }
    }
    buf_lit(b, "    esac\n");
}

void confcomplete_bash(struct buf *b, const struct conf_program *program)
{
    buf_printf(b,
               "# bash completion of %s\n"
               "_%s()\n{\n"
               "    local word=${COMP_WORDS[COMP_CWORD]}\n"
               "    local before=${COMP_WORDS[COMP_CWORD - 1]}\n"
               "    # readline cuts --flag=word in three\n"
               "    [[ $word == = ]] && word=\n"
               "    [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}"
               "\n",
               program->name, program->name);
    bash_flags(b, program);
    bash_values(b, program);
    buf_printf(b,
               "    if [[ $word == -* ]]; then\n"
               "        COMPREPLY=($(compgen -W \"$flags\" -- \"$word\"))\n"
               "        [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n"
               "    else\n"
               "        COMPREPLY=($(compgen -W \"$commands\" -- \"$word\"))\n"
               "    fi\n}\ncomplete -F _%s %s\n",
               program->name, program->name);
}

/* --- zsh ----------------------------------------------------------------- */

static void zsh_option(struct buf *b, const struct conf_option *o)
{
    buf_lit(b, "  '");
    if (o->type == CONF_LIST) {
        buf_char(b, '*');
    }
    buf_printf(b, "--%s%s[", o->flag, is_bool(o) ? "" : "=");
    quoted_write(b, o->help, "[]:\\");
    buf_char(b, ']');
    if (is_file(o)) {
        buf_lit(b, ":file:_files");
    } else if (o->choices) {
        buf_printf(b, ":word:(%s)", o->choices);
    } else if (!is_bool(o)) {
        buf_lit(b, ":value: ");
    }
    buf_lit(b, "' \\\n");
}

void confcomplete_zsh(struct buf *b, const struct conf_program *program)
{
    const struct conf_option *o = NULL;
    const struct conf_command *c;

    buf_printf(b, "#compdef %s\n\nlocal -a commands\ncommands=(\n",
               program->name);
    for (unsigned i = 0; (c = conf_command_at(program, i)); i++) {
        buf_printf(b, "  '%s:", c->name);
        quoted_write(b, c->help, ":\\");
        buf_lit(b, "'\n");
    }
    buf_lit(b, ")\n\n_arguments \\\n  '(- *)'{-h,--help}'[a summary]' \\\n"
               "  '(- *)'{-V,--version}'[version and revision]' \\\n");
    while ((o = conf_next(program, o))) {
        if (o->letter && o->flag && is_file(o)) {
            buf_printf(b, "  '-%c[configuration file]:file:_files' \\\n",
                       o->letter);
        }
        if (o->flag) {
            zsh_option(b, o);
        }
    }
    buf_lit(b, "  '1:command:{_describe command commands}' \\\n"
               "  '2:word:{case $line[1] in");
    for (unsigned i = 0; (c = conf_command_at(program, i)); i++) {
        if (c->words) {
            buf_printf(b, " %s) compadd %s;;", c->name, c->words);
        }
    }
    buf_lit(b, " esac}'\n");
}

/* --- fish ---------------------------------------------------------------- */

static void fish_option(struct buf *b, const struct conf_program *program,
                        const struct conf_option *o)
{
    buf_printf(b, "complete -c %s -l %s", program->name, o->flag);
    if (o->letter) {
        buf_printf(b, " -s %c", o->letter);
    }
    if (o->command) {
        buf_printf(b, " -n '__fish_seen_subcommand_from %s'", o->command);
    }
    if (!is_bool(o)) {
        buf_printf(b, " -%s", is_file(o) ? "rF" : "x");
    }
    if (o->choices) {
        buf_printf(b, " -a '%s'", o->choices);
    }
    buf_lit(b, " -d '");
    for (const char *p = o->help; *p; p++) {
        buf_printf(b, strchr("'\\", *p) ? "\\%c" : "%c", *p);
    }
    buf_lit(b, "'\n");
}

void confcomplete_fish(struct buf *b, const struct conf_program *program)
{
    const struct conf_option *o = NULL;
    const struct conf_command *c;

    buf_printf(b,
               "complete -c %s -f\n"
               "complete -c %s -s h -l help -d 'a summary'\n"
               "complete -c %s -s V -l version -d 'version and revision'\n",
               program->name, program->name, program->name);
    for (unsigned i = 0; (c = conf_command_at(program, i)); i++) {
        buf_printf(b, "complete -c %s -n __fish_use_subcommand -a %s -d '",
                   program->name, c->name);
        for (const char *p = c->help; *p; p++) {
            buf_printf(b, strchr("'\\", *p) ? "\\%c" : "%c", *p);
        }
        buf_lit(b, "'\n");
        if (c->words) {
            buf_printf(b,
                       "complete -c %s -n '__fish_seen_subcommand_from %s' -a "
                       "'%s'\n",
                       program->name, c->name, c->words);
        }
    }
    while ((o = conf_next(program, o))) {
        if (o->flag) {
            fish_option(b, program, o);
        }
    }
}

#include "common/confpage.h"

#include "common/conftext.h"
#include "common/confvalue.h"

enum { COLUMNS = 79 };

/* --- docs/CONFIGURATION.md ----------------------------------------------- */

static const char head[] =
    "# Configuration\n"
    "\n"
    "<!-- made by `cdc-monitor config reference`; tests/unit/test_confpage.c "
    "holds it against the option table -->\n"
    "\n"
    "Each setting of each program has one row below: its key in the file, its "
    "variable, its flag. A flag overrides the variable, the variable\n"
    "overrides the file, the file overrides the default. Without a file the "
    "environment alone is enough.\n"
    "\n"
    "    cdc-producer config show            # what is in force, and where "
    "each "
    "value comes from; secrets hidden\n"
    "    cdc-producer check --offline        # is it right? Every finding, "
    "without a connection\n"
    "    cdc-producer check                  # the same, and what the servers "
    "say\n"
    "    cdc-producer config schema          # JSON Schema of the file, for "
    "editors\n"
    "\n"
    "## The file\n"
    "\n"
    "One YAML file serves all four programs: `-c FILE`, `CDC_CONFIG`, else "
    "`" CONF_FILE_DEFAULT "` when it exists (`CDC_CONFIG=` reads none).\n"
    "[packaging/data-sync.example.yaml](../packaging/data-sync.example.yaml) "
    "is one to begin with. Each program takes its own keys; a key that no "
    "program knows is\n"
    "an error with line, column and the key that was probably meant.\n"
    "\n"
    "* Keys are nested or dotted: `kafka: {brokers: x}` is `kafka.brokers: x`. "
    "Lists are YAML lists or a text with commas.\n"
    "* Durations are `500ms`, `30s`, `5m`, `1h`, sizes `512KiB`, `8MiB`, "
    "`1GiB`; a bare number is milliseconds or bytes. Both also in variables "
    "and flags.\n"
    "* `${NAME}` is the variable's value and an error when it is not set; "
    "`${NAME:-text}` and `${NAME-text}` give a default (with the colon also "
    "for an empty\n"
    "  one), `${NAME:?message}` and `${NAME?message}` an error of your own, "
    "`$${` is a literal `${`. Only values are expanded, and only those of the "
    "program that\n"
    "  reads them. Inside `{ }` and `[ ]` write it in quotes.\n"
    "* A secret takes a value or `{file: /run/secrets/x}`, and its variable "
    "also as `NAME_FILE`; one line break at the end of such a file is left "
    "out.\n"
    "* An empty variable is a value for a text (`REDIS_URL=` switches Redis "
    "off) and none for a number, a word or a yes and no.\n"
    "* Anchors, aliases, tags and several documents are refused.\n"
    "\n"
    "Several processes on one machine share the file; give each an address of "
    "its own with `CDC_LISTEN` or `--listen`.\n"
    "\n"
    "## Encryption\n"
    "\n"
    "An address beyond this machine that is not encrypted (`http://`, "
    "`redis://`, PostgreSQL without `sslmode=require` or better, any Kafka "
    "broker: Kafka over\n"
    "TLS is not supported yet) is a warning at the start. With "
    "`CDC_REQUIRE_TLS=1` it is refused.\n"
    "\n";

static const char tail[] =
    "## Exit codes\n"
    "\n"
    "| code | meaning |\n"
    "| --- | --- |\n"
    "| 0 | ok |\n"
    "| 1 | failure; `validate`: inconsistent |\n"
    "| 64 | usage: the command line is wrong |\n"
    "| 69 | a service does not answer |\n"
    "| 70 | a bug of ours |\n"
    "| 75 | temporary: the same may work later |\n"
    "| 77 | permission: credentials or privileges |\n"
    "| 78 | configuration: a setting is missing or wrong |\n";

/* A cell: no '|' may end it. */
static void cell_write(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') {
            buf_char(b, '\\');
        }
        buf_char(b, *text);
    }
}

static void code_write(struct buf *b, const char *text)
{
    buf_char(b, '`');
    cell_write(b, text);
    buf_char(b, '`');
}

static void meaning_write(struct buf *b, const struct conf_option *o)
{
    cell_write(b, o->help);
    if (o->choices) {
        buf_printf(b, "; one of: %s", o->choices);
    }
    if (confvalue_has_range(o)) {
        buf_lit(b, "; ");
        confvalue_range(o, b);
    }
}

static void row_write(struct buf *b, const struct conf_option *o)
{
    buf_lit(b, "| ");
    if (conftext_in_file(o)) {
        code_write(b, o->key);
    }
    buf_lit(b, " | ");
    if (o->env) {
        code_write(b, o->env);
    }
    if (o->env && o->secret) {
        buf_lit(b, " (or `_FILE`)");
    }
    buf_lit(b, " | ");
    if (o->flag) {
        if (o->letter) {
            buf_printf(b, "`-%c` ", o->letter);
        }
        buf_printf(b, "`--%s`", o->flag);
    }
    buf_lit(b, " | ");
    if (o->def && o->def[0]) {
        code_write(b, o->def);
    } else {
        buf_printf(b, "%s", o->required ? "required" : "");
    }
    buf_lit(b, " | ");
    conftext_programs(b, o->programs);
    buf_lit(b, " | ");
    meaning_write(b, o);
    buf_lit(b, " |\n");
}

static void rows_write(struct buf *b, const struct conf_option *options,
                       struct str group)
{
    buf_printf(b,
               "## %.*s\n\n| key | variable | flag | default | for | "
               "meaning |\n| --- | --- | --- | --- | --- | --- |\n",
               STR_ARG(group));
    for (const struct conf_option *o = options; o->key; o++) {
        if (!o->command && str_eq(conftext_group(o), group)) {
            row_write(b, o);
        }
    }
    buf_char(b, '\n');
}

static void command_rows_write(struct buf *b, const struct conf_option *options)
{
    buf_lit(b, "## Flags of one command\n\n| command | flag | for | meaning |\n"
               "| --- | --- | --- | --- |\n");
    for (const struct conf_option *o = options; o->key; o++) {
        if (!o->command) {
            continue;
        }
        buf_printf(b, "| `%s` | `--%s` | ", o->command,
                   o->flag ? o->flag : o->key);
        conftext_programs(b, o->programs);
        buf_lit(b, " | ");
        meaning_write(b, o);
        buf_lit(b, " |\n");
    }
    buf_char(b, '\n');
}

void confpage_reference(struct buf *b, const struct conf_option *options)
{
    buf_add(b, head, sizeof(head) - 1);
    for (const struct conf_option *o = options; o->key; o++) {
        if (!o->command && conftext_begins_group(options, CONF_ALL, o)) {
            rows_write(b, options, conftext_group(o));
        }
    }
    command_rows_write(b, options);
    buf_add(b, tail, sizeof(tail) - 1);
}

/* --- .env.example -------------------------------------------------------- */

static bool env_is_new(const struct conf_option *options,
                       const struct conf_option *o)
{
    for (const struct conf_option *p = options; p != o; p++) {
        if (p->env && strcmp(p->env, o->env) == 0) {
            return false;
        }
    }
    return true;
}

static void comment_write(struct buf *b, const struct conf_option *o,
                          bool first)
{
    struct buf text, lines;

    buf_init(&text, 4096);
    buf_init(&lines, 8192);
    conftext_programs(&text, o->programs);
    buf_printf(&text, ": %s", o->help);
    if (o->choices) {
        buf_printf(&text, "; one of: %s", o->choices);
    }
    if (!first && o->def && o->def[0]) {
        buf_printf(&text, "; default %s", o->def);
    }
    conftext_wrap(&lines, 0, COLUMNS - 2, buf_z(&text));
    for (const char *at = buf_z(&lines); *at;) {
        size_t len = strcspn(at, "\n");

        buf_printf(b, "# %.*s\n", (int)len, at);
        at += len + (at[len] == '\n');
    }
    buf_fini(&text);
    buf_fini(&lines);
}

void confpage_environment(struct buf *b, const struct conf_option *options)
{
    buf_lit(b, "# The variables of all programs, for `docker run --env-file` "
               "or a shell. Made by\n# `cdc-monitor config environment`. What "
               "is commented out has the value shown.\n# A secret NAME may be "
               "given as NAME_FILE, which names a file that holds it.\n");
    for (const struct conf_option *o = options; o->key; o++) {
        bool needed = o->required && !o->def;

        if (!o->env || !env_is_new(options, o)) {
            continue;
        }
        buf_char(b, '\n');
        for (const struct conf_option *p = o; p->key; p++) {
            if (p->env && strcmp(p->env, o->env) == 0 &&
                (p == o || strcmp(p->help, o->help) != 0)) {
                comment_write(b, p, p == o);
            }
        }
        buf_printf(b, "%s%s=%s\n", needed ? "" : "#", o->env,
                   o->def       ? o->def
                   : o->example ? o->example
                                : "");
    }
}

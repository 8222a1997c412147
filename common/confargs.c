#include "common/confargs.h"

#include <limits.h>

enum { WORD_CHARS_MAX = 64 }; /* longer words get no suggestion */

/* --- The nearest word ---------------------------------------------------- */

/* Levenshtein's distance of two short words, one row at a time. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_CHARS_MAX + 1];
    size_t a_len = strlen(a), b_len = strlen(b);

    if (a_len > WORD_CHARS_MAX || b_len > WORD_CHARS_MAX) {
        return UINT_MAX;
    }
    for (unsigned j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            unsigned least = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[b_len];
}

struct nearest {
    const char *word; /* what was typed */
    const char *best; /* NULL: nothing is near */
    unsigned distance;
};

static void nearest_try(struct nearest *n, const char *candidate)
{
    unsigned d = distance(n->word, candidate);

    if (d < n->distance && d <= 1 + strlen(n->word) / 4) {
        n->distance = d;
        n->best = candidate;
    }
}

static int flag_unknown(const struct conf_program *program, const char *word,
                        size_t len, struct err *e)
{
    char *name = xstrndup(word, len);
    struct nearest n = { .word = name + strspn(name, "-"),
                         .distance = UINT_MAX };
    const struct conf_option *o = NULL;

    while ((o = conf_next(program, o))) {
        if (o->flag) {
            nearest_try(&n, o->flag);
        }
    }
    nearest_try(&n, "help");
    nearest_try(&n, "version");
    (void)err_set(e, ERR_USAGE, "unknown flag %s%s%s%s", name,
                  n.best ? "; did you mean --" : "", n.best ? n.best : "",
                  n.best ? "?" : "");
    xfree(name);
    return -1;
}

/* A bare word in an error text; a URL may hold a password. */
static const char *word_shown(const char *word)
{
    return strstr(word, "://") ? "(a URL; it goes behind its flag)" : word;
}

static int command_unknown(const struct conf_program *program, const char *word,
                           struct err *e)
{
    struct nearest n = { .word = word, .distance = UINT_MAX };

    for (const struct conf_command *c = program->commands; c->name; c++) {
        nearest_try(&n, c->name);
    }
    return err_set(e, ERR_USAGE, "unknown command %s%s%s%s", word_shown(word),
                   n.best ? "; did you mean " : "", n.best ? n.best : "",
                   n.best ? "?" : "");
}

/* --- Words --------------------------------------------------------------- */

static const struct conf_option *flag_find(const struct conf_program *program,
                                           struct str name)
{
    const struct conf_option *o = NULL;

    while ((o = conf_next(program, o))) {
        if (o->flag && str_eq(str_of(o->flag), name)) {
            return o;
        }
    }
    return NULL;
}

/* One word of the command line and what follows it. */
struct word {
    const struct conf_option *option; /* NULL: no flag */
    const char *text;                 /* the flag's value, or the word */
    int next;                         /* index of the word behind */
};

static int word_read(const struct conf_program *program, int i,
                     char *const *argv, struct word *ret_word, struct err *e)
{
    const char *text = argv[i];
    size_t len = strcspn(text, "=");
    struct word word = { .text = text, .next = i + 1 };

    if (text[0] != '-') {
        *ret_word = word;
        return 0;
    }
    if (len > 2 && text[1] == '-') {
        word.option = flag_find(program, (struct str){ text + 2, len - 2 });
    }
    if (!word.option) {
        return flag_unknown(program, text, len, e);
    }
    if (text[len] == '=') {
        word.text = text + len + 1;
    } else if (word.option->type == CONF_BOOL) {
        word.text = "true";
    } else if (argv[i + 1] && strncmp(argv[i + 1], "--", 2) != 0) {
        word.text = argv[i + 1];
        word.next++;
    } else {
        return err_set(e, ERR_USAGE, "flag %s needs a value", text);
    }
    *ret_word = word;
    return 0;
}

const char *confargs_value(const struct conf_program *program,
                           const struct conf_option *o, char *const *argv,
                           struct buf *joined)
{
    const char *value = NULL;
    struct word word;

    for (int i = 1; argv[i]; i = word.next) {
        if (word_read(program, i, argv, &word, NULL) < 0) {
            break;
        }
        if (word.option != o) {
            continue;
        }
        if (o->type == CONF_LIST) {
            buf_printf(joined, "%s%s", value ? "," : "", word.text);
        }
        value = word.text;
    }
    return value && o->type == CONF_LIST ? buf_z(joined) : value;
}

/* A flag of some commands is of no use for the others. */
static int flags_check(const struct conf_program *program, char *const *argv,
                       const char *command, struct err *e)
{
    struct word word;

    for (int i = 1; argv[i]; i = word.next) {
        if (word_read(program, i, argv, &word, e) < 0) {
            return -1;
        }
        if (word.option && word.option->command &&
            !conf_listed(word.option->command, command)) {
            return err_set(e, ERR_USAGE, "flag --%s is for the command %s",
                           word.option->flag, word.option->command);
        }
    }
    return 0;
}

int confargs_check(const struct conf_program *program, char *const *argv,
                   const char **ret_command, struct err *e)
{
    const struct conf_command *command = NULL;
    const char *name;
    struct word word;

    for (int i = 1; argv[i]; i = word.next) {
        if (word_read(program, i, argv, &word, e) < 0) {
            return -1;
        }
        if (word.option) {
            continue;
        }
        if (command) {
            return err_set(e, ERR_USAGE, "unexpected word %s",
                           word_shown(word.text));
        }
        command = program->commands;
        while (command->name && strcmp(command->name, word.text) != 0) {
            command++;
        }
        if (!command->name) {
            return command_unknown(program, word.text, e);
        }
    }
    name = command ? command->name : program->commands[0].name;
    if (flags_check(program, argv, name, e) < 0) {
        return -1;
    }
    *ret_command = name;
    return 0;
}

bool confargs_has(char *const *argv, const char *flag, const char *letter)
{
    for (int i = 1; argv[0] && argv[i]; i++) {
        if (strcmp(argv[i], flag) == 0 || strcmp(argv[i], letter) == 0) {
            return true;
        }
    }
    return false;
}

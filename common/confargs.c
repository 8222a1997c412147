#include "common/confargs.h"

#include "common/confnear.h"

/* --- What was meant ------------------------------------------------------ */

static int flag_unknown(const struct conf_program *program, const char *word,
                        size_t len, struct err *e)
{
    char *name = xstrndup(word, len), meant[100];
    struct confnear n = { .word = name + strspn(name, "-") };
    const struct conf_option *o = NULL;

    while ((o = conf_next(program, o))) {
        if (o->flag) {
            confnear_try(&n, o->flag);
        }
    }
    confnear_try(&n, "help");
    confnear_try(&n, "version");
    (void)err_set(e, ERR_USAGE, "unknown flag %s%s", name,
                  confnear_text(&n, "--", meant, sizeof(meant)));
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
    struct confnear n = { .word = word };
    const struct conf_command *c;
    char meant[100];

    for (unsigned i = 0; (c = conf_command_at(program, i)); i++) {
        confnear_try(&n, c->name);
    }
    return err_set(e, ERR_USAGE, "unknown command %s%s", word_shown(word),
                   confnear_text(&n, "", meant, sizeof(meant)));
}

/* --- Words --------------------------------------------------------------- */

static const struct conf_option *letter_find(const struct conf_program *program,
                                             char letter)
{
    const struct conf_option *o = NULL;

    while ((o = conf_next(program, o)) && o->letter != letter) {
    }
    return o;
}

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
    if (len == 2 && text[len] == '\0' && text[1] != '-') {
        word.option = letter_find(program, text[1]);
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
    struct word word = { 0 };

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

/* The first bare word is the command. */
static const struct conf_command *
command_find(const struct conf_program *program, const char *word)
{
    const struct conf_command *c;

    for (unsigned i = 0; (c = conf_command_at(program, i)); i++) {
        if (strcmp(c->name, word) == 0) {
            return c;
        }
    }
    return NULL;
}

/* A second one is what a command of several does. */
static int word_take(const struct conf_command *command, const char *word,
                     struct confargs *args, struct err *e)
{
    if (args->word || !command->words) {
        return err_set(e, ERR_USAGE, "unexpected word %s", word_shown(word));
    }
    if (!conf_listed(command->words, word)) {
        return err_set(e, ERR_USAGE, "unknown word %s; %s takes one of: %s",
                       word_shown(word), command->name, command->words);
    }
    args->word = word;
    return 0;
}

int confargs_check(const struct conf_program *program, char *const *argv,
                   struct confargs *ret_args, struct err *e)
{
    struct confargs args = { 0 };
    const struct conf_command *command = NULL;
    struct word word;

    for (int i = 1; argv[i]; i = word.next) {
        if (word_read(program, i, argv, &word, e) < 0) {
            return -1;
        }
        if (word.option) {
            args.offline =
                args.offline || strcmp(word.option->key, "offline") == 0;
        } else if (command) {
            if (word_take(command, word.text, &args, e) < 0) {
                return -1;
            }
        } else if (!(command = command_find(program, word.text))) {
            return command_unknown(program, word.text, e);
        }
    }
    args.command = command ? command->name : program->commands[0].name;
    if (flags_check(program, argv, args.command, e) < 0) {
        return -1;
    }
    *ret_args = args;
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

bool confargs_is(char *const *argv, const char *word)
{
    return argv[0] && argv[1] && strcmp(argv[1], word) == 0;
}

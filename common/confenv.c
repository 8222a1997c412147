#include "common/confenv.h"

#include "common/confnear.h"

static const char prefix[] = "CDC_";

/* Short names are near to each other by chance. */
enum { LONG_CHARS = 12 };

static bool is_known(const struct conf_option *options, const char *name)
{
    for (const struct conf_option *o = options; o->key; o++) {
        size_t len = o->env ? strlen(o->env) : 0;

        if (o->env && (strcmp(o->env, name) == 0 ||
                       (o->secret && strncmp(o->env, name, len) == 0 &&
                        strcmp(name + len, "_FILE") == 0))) {
            return true;
        }
    }
    return false;
}

bool confenv_next(const struct conf_option *options, char *const *env,
                  struct confenv *typo)
{
    while (env && env[typo->next]) {
        const char *variable = env[typo->next++];
        size_t len = strcspn(variable, "=");
        struct confnear n = { .word = typo->name,
                              .max = len < LONG_CHARS ? 1 : 2 };

        if (len >= sizeof(typo->name) ||
            strncmp(variable, prefix, sizeof(prefix) - 1) != 0) {
            continue;
        }
        memcpy(typo->name, variable, len);
        typo->name[len] = '\0';
        if (is_known(options, typo->name)) {
            continue;
        }
        for (const struct conf_option *o = options; o->key; o++) {
            if (o->env) {
                confnear_try(&n, o->env);
            }
        }
        typo->meant = n.best;
        if (n.best) {
            return true;
        }
    }
    return false;
}

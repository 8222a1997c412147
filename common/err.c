#include "common/err.h"

#include <stdarg.h>
#include <stdbool.h>

/* One line: controls become spaces, and those at the end go. A character
   that truncation cut in two goes as well. */
static void text_clean(char *text, bool truncated)
{
    size_t len = strlen(text);

    if (truncated) {
        while (len > 0 && ((unsigned char)text[len - 1] & 0xc0) == 0x80) {
            len--;
        }
        if (len > 0 && (unsigned char)text[len - 1] >= 0xc0) {
            len--;
        }
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            text[i] = ' ';
        }
    }
    while (len > 0 && text[len - 1] == ' ') {
        len--;
    }
    text[len] = '\0';
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
    char text[sizeof(e->text)]; /* the arguments may point into e->text */
    va_list args;
    int len;

    if (!e) {
        return -1;
    }
    va_start(args, fmt);
    len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (len < 0) {
        text[0] = '\0';
    }
    text_clean(text, len >= (int)sizeof(text));
    e->kind = kind;
    memcpy(e->text, text, sizeof(text));
    return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    char context[sizeof(e->text)];
    va_list args;
    int len;

    if (!e) {
        return -1;
    }
    va_start(args, fmt);
    len = vsnprintf(context, sizeof(context), fmt, args);
    va_end(args);
    if (len < 0) {
        context[0] = '\0';
    }
    return err_set(e, e->kind, "%s: %s", context, e->text);
}

int err_exit_code(enum err_kind kind)
{
    switch (kind) {
    case ERR_NONE: return 0;
    case ERR_USAGE: return 64;
    case ERR_UNREACHABLE: return 69;
    case ERR_RETRY: return 75;
    case ERR_PERMISSION: return 77;
    case ERR_CONFIG: return 78;
    case ERR_INPUT:
    case ERR_FATAL: break;
    }
    return 1;
}

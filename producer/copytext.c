#include "producer/copytext.h"

/* Reads the line through; writes the unescaped bytes behind it, never ahead
   of where it reads. */
struct cursor {
    char *line;
    size_t at, end; /* the next byte to read; the final '\n' */
    bool escapes;   /* there is a backslash somewhere in the line */
    const char *why;
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* Up to three octal digits at the cursor, the first of which is there. */
static char take_octal(struct cursor *c)
{
    int code = 0;

    for (int n = 0; n < 3 && is_octal(c->line[c->at]); n++) {
        code = code * 8 + (c->line[c->at++] - '0');
    }
    return (char)code;
}

/* One or two hex digits behind "\x". */
static char take_hex(struct cursor *c)
{
    int code = 0;

    if (hex_value(c->line[c->at]) < 0) {
        c->why = "\\x without hex digits";
    }
    for (int n = 0; n < 2 && hex_value(c->line[c->at]) >= 0; n++) {
        code = code * 16 + hex_value(c->line[c->at++]);
    }
    return (char)code;
}

/* The byte that an escape stands for; the cursor is behind the backslash. The
   final '\n' ends every look ahead: it is no digit and no letter. */
static char take_escape(struct cursor *c)
{
    const char letter = c->line[c->at];

    if (is_octal(letter)) {
        return take_octal(c);
    }
    if (c->at < c->end) {
        c->at++;
    }
    switch (letter) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    case '\\': return '\\';
    case 'x': return take_hex(c);
    default: c->why = "an unknown escape"; return 0;
    }
}

/* Moves the value at the cursor, up to its TAB or the line's end, together
   without its backslashes. */
static struct str take_escaped(struct cursor *c)
{
    const size_t start = c->at;
    size_t to = start;

    while (c->why == NULL && c->at < c->end && c->line[c->at] != '\t') {
        char byte = c->line[c->at++];

        if (byte == '\\') {
            byte = take_escape(c);
        }
        c->line[to++] = byte;
    }
    return (struct str){ c->line + start, to - start };
}

/* \N and nothing else between its separators. */
static bool take_null(struct cursor *c)
{
    const char *p = c->line + c->at;

    if (c->end - c->at < 2 || p[0] != '\\' || p[1] != 'N' ||
        (p[2] != '\t' && c->at + 2 != c->end)) {
        return false;
    }
    c->at += 2;
    return true;
}

static void take_value(struct cursor *c, struct pgo_value *v)
{
    const char *start = c->line + c->at;
    const char *tab = memchr(start, '\t', c->end - c->at);
    const size_t len = tab ? (size_t)(tab - start) : c->end - c->at;

    if (!c->escapes || len == 0 || memchr(start, '\\', len) == NULL) {
        *v = (struct pgo_value){ PGO_TEXT, { start, len } };
        c->at += len;
    } else if (take_null(c)) {
        *v = (struct pgo_value){ .kind = PGO_NULL };
    } else {
        v->kind = PGO_TEXT;
        v->text = take_escaped(c);
    }
}

/* All values and the TABs between them. */
static void take_values(struct cursor *c, unsigned count,
                        struct pgo_tuple *tuple)
{
    for (unsigned n = 0; n < count && c->why == NULL; n++) {
        take_value(c, &tuple->values[n]);
        if (n + 1 == count || c->why != NULL) {
            break;
        }
        if (c->at == c->end) {
            c->why = "values are missing";
        } else {
            c->at++; /* the TAB that ended the value */
        }
    }
    if (c->why == NULL && c->at != c->end) {
        c->why = "more values than columns";
    }
}

int copytext_read(char *line, size_t len, unsigned column_count,
                  struct pgo_tuple *ret_tuple, struct err *e)
{
    struct cursor c = { .line = line, .end = len - 1 };

    CHECK(column_count <= SHAPE_COLUMNS_MAX);
    if (len == 0 || memchr(line, '\n', len) != line + len - 1) {
        return err_set(e, ERR_FATAL,
                       "COPY line of %zu bytes does not end where it should",
                       len);
    }
    c.escapes = memchr(line, '\\', len) != NULL;
    take_values(&c, column_count, ret_tuple);
    if (c.why != NULL) {
        return err_set(e, ERR_FATAL, "COPY line, byte %zu of %zu: %s", c.at,
                       len, c.why);
    }
    ret_tuple->count = column_count;
    return 0;
}

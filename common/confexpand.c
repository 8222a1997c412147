#include "common/confexpand.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz_0123456789";

/* "${NAME:-text}" taken apart. */
struct reference {
    char name[128];
    bool empty_too; /* the colon */
    char kind;      /* '-', '?', or 0 for the bare form */
    struct str text;
    const char *end; /* behind the brace */
};

static int reference_read(const char *at, struct reference *r, struct err *e)
{
    const char *name = at + 2, *close = strchr(name, '}');
    size_t len = strspn(name, letters);

    if (!close) {
        return err_set(e, ERR_CONFIG,
                       "${ without }; for a literal one write $${");
    }
    if (len == 0 || len >= sizeof(r->name) ||
        (name[0] >= '0' && name[0] <= '9')) {
        return err_set(e, ERR_CONFIG,
                       "${ needs the name of a variable; for a literal one "
                       "write $${");
    }
    memcpy(r->name, name, len);
    r->name[len] = '\0';
    r->empty_too = name[len] == ':';
    name += len + r->empty_too;
    r->kind = *name == '-' || *name == '?' ? *name : '\0';
    r->text = (struct str){ name + 1, (size_t)(close - name) };
    r->text.len -= r->text.len > 0;
    r->end = close + 1;
    if (!r->kind && (r->empty_too || name != close)) {
        return err_set(e, ERR_CONFIG,
                       "${%s: only :- - :? and ? may follow the name", r->name);
    }
    if (r->kind && memmem(r->text.p, r->text.len, "${", 2)) {
        return err_set(e, ERR_CONFIG, "${%s: no ${ inside ${ }", r->name);
    }
    return 0;
}

static int reference_write(const struct reference *r, struct buf *b,
                           struct err *e)
{
    const char *value = getenv(r->name);

    if (value && (*value || !r->empty_too)) {
        buf_add(b, value, strlen(value));
        return 0;
    }
    if (r->kind == '-') {
        buf_str_add(b, r->text);
        return 0;
    }
    if (r->kind == '?' && r->text.len > 0) {
        return err_set(e, ERR_CONFIG, "%s is %s: %.*s", r->name,
                       value ? "empty" : "not set", STR_ARG(r->text));
    }
    return err_set(e, ERR_CONFIG, "%s is %s; set it, or write ${%s:-default}",
                   r->name, value ? "empty" : "not set", r->name);
}

int confexpand(const char *text, struct buf *b, struct err *e)
{
    const char *at = text;

    while (*at) {
        size_t plain = strcspn(at, "$");
        struct reference r;

        buf_add(b, at, plain);
        at += plain;
        if (strncmp(at, "$${", 3) == 0) {
            buf_lit(b, "${");
            at += 3;
        } else if (strncmp(at, "${", 2) == 0) {
            if (reference_read(at, &r, e) < 0 ||
                reference_write(&r, b, e) < 0) {
                return -1;
            }
            at = r.end;
        } else if (*at) {
            buf_char(b, *at++);
        }
    }
    if (!buf_ok(b)) {
        return err_set(e, ERR_CONFIG, "the value is too long");
    }
    return 0;
}

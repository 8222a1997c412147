#include "common/confsource.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/confargs.h"
#include "common/confexpand.h"
#include "common/confvalue.h"

enum { SECRET_BYTES_MAX = 64 * 1024, LIST_BYTES_MAX = 4 << 20 };

/* The text of a file without one line break at its end. */
static int secret_read(const char *path, struct buf *text, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;

    if (fd < 0) {
        return err_set(e, ERR_CONFIG, "%s: %s", confvalue_shown(path),
                       strerror(errno));
    }
    while (n > 0) {
        char part[4096];

        do {
            n = read(fd, part, sizeof(part));
        } while (n < 0 && errno == EINTR);
        if (n > 0) {
            buf_add(text, part, (size_t)n);
        }
        if (!buf_ok(text)) {
            break; /* also of a device that never ends */
        }
    }
    if (n < 0) {
        (void)err_set(e, ERR_CONFIG, "%s: %s", path, strerror(errno));
    }
    (void)close(fd);
    if (n < 0) {
        return -1;
    }
    if (text->len > 0 && text->p[text->len - 1] == '\n') {
        text->len--;
    }
    if (text->len > 0 && text->p[text->len - 1] == '\r') {
        text->len--;
    }
    if (!buf_ok(text) || memchr(buf_z(text), '\0', text->len)) {
        return err_set(e, ERR_CONFIG, "%s: no text, or above %d bytes", path,
                       SECRET_BYTES_MAX);
    }
    return 0;
}

/* NAME, or the text of the file that NAME_FILE names. */
static int env_find(const struct conf_option *o, struct confsource_value *v,
                    struct err *e)
{
    const char *direct = getenv(o->env), *path = NULL;

    if (o->secret) {
        (void)snprintf(v->name, sizeof(v->name), "%s_FILE", o->env);
        path = getenv(v->name);
    }
    if (direct && *direct && path && *path) {
        return err_set(e, ERR_CONFIG, "%s and %s are both set; keep one",
                       o->env, v->name);
    }
    if (path && *path) {
        v->kind = CONFSOURCE_ENV;
        if (secret_read(path, &v->kept, e) < 0) {
            return err_wrap(e, "%s", v->name);
        }
        v->text = buf_z(&v->kept);
        return 0;
    }
    /* "X=" is a value for a text; for anything else, as composed
       environments write it, it is none */
    if (direct && (*direct || o->type == CONF_STRING || o->type == CONF_URL ||
                   o->type == CONF_LIST)) {
        v->kind = CONFSOURCE_ENV;
        v->text = direct;
        (void)snprintf(v->name, sizeof(v->name), "%s", o->env);
    }
    return 0;
}

/* The file's text, expanded; or that of the file that it names. */
static int file_find(const struct conffile *file, const struct conf_option *o,
                     struct confsource_value *v, struct err *e)
{
    struct conffile_value found;
    struct buf path;
    int rc;

    conffile_find(file, o, &found);
    if (!found.text) {
        return 0;
    }
    v->kind = CONFSOURCE_FILE;
    (void)snprintf(v->name, sizeof(v->name), "%s:%d:%d", conffile_name(file),
                   found.line, found.column);
    if (found.is_path) {
        buf_init(&path, SECRET_BYTES_MAX);
        rc = confexpand(found.text, &path, e);
        rc = rc < 0 ? rc : secret_read(buf_z(&path), &v->kept, e);
        buf_fini(&path);
    } else {
        rc = confexpand(found.text, &v->kept, e);
    }
    if (rc < 0) {
        return err_wrap(e, "%s: %s", v->name, o->key);
    }
    v->text = buf_z(&v->kept);
    return 0;
}

int confsource_find(const struct confsource *s, const struct conf_option *o,
                    struct confsource_value *ret_value, struct err *e)
{
    struct confsource_value *v = ret_value;

    *v = (struct confsource_value){ 0 };
    buf_init(&v->kept, o->secret ? SECRET_BYTES_MAX : LIST_BYTES_MAX);
    if (o->flag && s->argv) {
        v->text = confargs_value(s->program, o, s->argv, &v->kept);
    }
    if (v->text) {
        v->kind = CONFSOURCE_FLAG;
        (void)snprintf(v->name, sizeof(v->name), "--%s", o->flag);
        return 0;
    }
    if (o->env && env_find(o, v, e) < 0) {
        return -1;
    }
    if (!v->text && file_find(s->file, o, v, e) < 0) {
        return -1;
    }
    if (!v->text && o->def) {
        v->kind = CONFSOURCE_DEFAULT;
        v->text = o->def;
        (void)snprintf(v->name, sizeof(v->name), "default");
    }
    return 0;
}

void confsource_fini(struct confsource_value *value)
{
    buf_fini(&value->kept);
}

static int value_store(const struct conf_program *program,
                       const struct conf_option *o,
                       const struct confsource_value *v, void *cfg,
                       struct err *e)
{
    const char *name = o->env ? o->env : o->flag ? o->flag : o->key;

    if (!v->text && (o->required & program->bit)) {
        return err_set(e, ERR_CONFIG, "%s is not set: %s", name, o->help);
    }
    if (!v->text) {
        return 0;
    }
    if (v->text[0] == '\0' && (o->required & program->bit)) {
        return err_set(e, ERR_CONFIG, "%s is empty: %s", v->name, o->help);
    }
    if (confvalue_store(o, v->text, cfg, conf_bind_of(program, o)->offset, e) <
        0) {
        (void)err_wrap(e, "%s", v->name);
        if (e && v->kind == CONFSOURCE_FLAG) {
            e->kind = ERR_USAGE;
        }
        return -1;
    }
    return 0;
}

int confsource_store(const struct confsource *s, const struct conf_option *o,
                     void *cfg, struct err *e)
{
    struct confsource_value v;
    int rc = confsource_find(s, o, &v, e);

    if (rc == 0) {
        rc = value_store(s->program, o, &v, cfg, e);
    }
    confsource_fini(&v);
    return rc;
}

/* A file that cannot be looked at is not one that is not there. */
static bool exists(const char *path)
{
    return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

int confsource_open(struct confsource *ret_source,
                    const struct conf_program *program, char *const *argv,
                    struct err *e)
{
    struct confsource source = { .program = program, .argv = argv };
    const struct conf_option *o = conf_next(program, NULL);
    const char *path = CONF_FILE_DEFAULT;
    struct confsource_value v = { 0 };
    int rc = 0;

    while (o && strcmp(o->key, "config") != 0) {
        o = conf_next(program, o);
    }
    if (o) { /* a test's table may have none */
        rc = confsource_find(&source, o, &v, e);
    }
    if (rc == 0 && o && (v.text ? v.text[0] : exists(path))) {
        path = v.text ? v.text : path;
        rc = conffile_open(&source.file, path, program->options, e);
    }
    confsource_fini(&v);
    if (rc == 0) {
        *ret_source = source;
    }
    return rc;
}

void confsource_close(struct confsource *s)
{
    conffile_close(s->file);
    s->file = NULL;
}

#include "monitor/expo.h"

#include "monitor/promtext.h"

struct expo_family {
    char *name;
    char *help; /* NULL until a line gives it */
    char *type;
    bool refused; /* the text at hand declares another type */
    struct buf series;
};

static int name_order(struct str a, struct str b)
{
    int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where the family is, or would be. */
static unsigned family_place(const struct expo *x, struct str name,
                             bool *ret_found)
{
    unsigned low = 0, high = x->count;

    *ret_found = false;
    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        int order = name_order(str_of(x->families[mid].name), name);

        if (order == 0) {
            *ret_found = true;
            return mid;
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static struct expo_family *family_find(struct expo *x, struct str name)
{
    bool found;
    unsigned at = family_place(x, name, &found);

    return found ? &x->families[at] : NULL;
}

/* The family, made when new; NULL when there are too many. */
static struct expo_family *family_get(struct expo *x, struct str name)
{
    bool found;
    unsigned at = family_place(x, name, &found);
    struct expo_family *f;

    if (found) {
        return &x->families[at];
    }
    if (x->count == EXPO_FAMILIES_MAX) {
        return NULL;
    }
    if (x->count == x->cap) {
        x->cap = x->cap ? x->cap * 2 : 64;
        x->families = xrealloc(x->families, x->cap, sizeof(*x->families));
    }
    f = &x->families[at];
    memmove(f + 1, f, (x->count - at) * sizeof(*f));
    x->count++;
    *f = (struct expo_family){ .name = xstrndup(name.p, name.len) };
    buf_init(&f->series, EXPO_BYTES_MAX);
    return f;
}

static bool type_is_split(const char *type)
{
    return type &&
           (strcmp(type, "histogram") == 0 || strcmp(type, "summary") == 0);
}

/* The family of a series: the one of its name, or the histogram or summary
   whose part it is. */
static struct expo_family *series_family(struct expo *x, struct str name)
{
    static const char *const parts[] = { "_bucket", "_sum", "_count" };
    struct expo_family *f = family_find(x, name);

    for (size_t i = 0; f == NULL && i < COUNT_OF(parts); i++) {
        size_t len = strlen(parts[i]);

        if (name.len > len &&
            memcmp(name.p + name.len - len, parts[i], len) == 0) {
            f = family_find(x, (struct str){ name.p, name.len - len });
            if (f && !type_is_split(f->type)) {
                f = NULL;
            }
        }
    }
    return f ? f : family_get(x, name);
}

static void family_declare(struct expo *x, enum promtext_kind kind,
                           const struct promtext_line *line)
{
    static const char *const types[] = { "counter", "gauge", "histogram",
                                         "summary", "untyped" };
    struct expo_family *f = family_get(x, line->name);
    char **text;

    if (f == NULL) {
        return;
    }
    text = kind == PROMTEXT_HELP ? &f->help : &f->type;
    if (*text == NULL) {
        bool good = kind == PROMTEXT_HELP;

        for (size_t i = 0; !good && i < COUNT_OF(types); i++) {
            good = str_eq(line->text, str_of(types[i]));
        }
        if (good) {
            *text = xstrndup(line->text.p, line->text.len);
        }
    } else if (kind == PROMTEXT_TYPE) {
        f->refused = !str_eq(line->text, str_of(f->type));
    }
}

/* A label of ours, unless the series has it already. */
static void label_add(struct buf *b, size_t begin, const char *name,
                      const char *value, struct str labels)
{
    struct str had;

    if (value == NULL || promtext_label(labels, name, &had)) {
        return;
    }
    buf_printf(b, "%s%s=\"%s\"", b->len > begin ? "," : "", name, value);
}

static void series_add(struct expo_family *f, const struct promtext_line *line,
                       const char *component, const char *instance)
{
    struct buf *b = &f->series;
    size_t begin;

    buf_str_add(b, line->name);
    buf_char(b, '{');
    begin = b->len;
    label_add(b, begin, "component", component, line->labels);
    label_add(b, begin, "instance", instance, line->labels);
    if (line->labels.len > 0) {
        buf_str_add(b, b->len > begin ? STR(",") : STR(""));
        buf_str_add(b, line->labels);
    }
    if (b->len > begin) {
        buf_char(b, '}');
    } else if (buf_ok(b)) {
        b->len--; /* no labels, no braces */
    }
    buf_char(b, ' ');
    buf_str_add(b, line->value);
    buf_char(b, '\n');
}

void expo_add(struct expo *x, struct str text, const char *component,
              const char *instance)
{
    struct promtext_line line;
    struct expo_family *f;
    enum promtext_kind kind;

    for (unsigned i = 0; i < x->count; i++) {
        x->families[i].refused = false;
    }
    while ((kind = promtext_next(&text, &line)) != PROMTEXT_END) {
        if (kind == PROMTEXT_HELP || kind == PROMTEXT_TYPE) {
            family_declare(x, kind, &line);
        } else if (kind == PROMTEXT_SERIES) {
            f = series_family(x, line.name);
            if (f && !f->refused) {
                series_add(f, &line, component, instance);
            }
        }
    }
}

void expo_write(struct buf *b, const struct expo *x)
{
    for (unsigned i = 0; i < x->count; i++) {
        const struct expo_family *f = &x->families[i];

        if (f->series.len == 0 || !buf_ok(&f->series)) {
            continue;
        }
        if (f->help) {
            buf_printf(b, "# HELP %s %s\n", f->name, f->help);
        }
        buf_printf(b, "# TYPE %s %s\n", f->name, f->type ? f->type : "untyped");
        buf_str_add(b, buf_str(&f->series));
    }
}

void expo_fini(struct expo *x)
{
    for (unsigned i = 0; i < x->count; i++) {
        xfree(x->families[i].name);
        xfree(x->families[i].help);
        xfree(x->families[i].type);
        buf_fini(&x->families[i].series);
    }
    xfree(x->families);
    *x = (struct expo){ 0 };
}

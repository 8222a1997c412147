#include "producer/selection.h"

#include <fnmatch.h>

static void entry_add(struct selection *s, const char *text, size_t len)
{
    const char *dot = memchr(text, '.', len);
    struct selection_entry *entry;

    s->entries = xrealloc(s->entries, s->count + 1, sizeof(*s->entries));
    entry = &s->entries[s->count++];
    if (dot == NULL) {
        entry->schema = xstrdup("public");
        entry->table = xstrndup(text, len);
    } else {
        size_t head = (size_t)(dot - text);

        entry->schema = xstrndup(text, head);
        entry->table = xstrndup(dot + 1, len - head - 1);
    }
    entry->exact = strpbrk(entry->schema, "*?[") == NULL &&
                   strpbrk(entry->table, "*?[") == NULL;
}

int selection_read(const char *list, struct selection *ret_selection,
                   struct err *e)
{
    struct selection s = { 0 };
    const char *p = list ? list : "";

    while (*p != '\0') {
        size_t len = strcspn(p, ",");
        const char *next = p[len] == ',' ? p + len + 1 : p + len;

        while (len > 0 && *p == ' ') {
            p++;
            len--;
        }
        while (len > 0 && p[len - 1] == ' ') {
            len--;
        }
        if (len == 0 || *p == '.' || p[len - 1] == '.') {
            selection_fini(&s);
            return err_set(e, ERR_CONFIG,
                           "CDC_TABLES: \"%s\" has an entry that is not"
                           " schema.table; write for example"
                           " public.orders,audit.*",
                           list);
        }
        entry_add(&s, p, len);
        p = next;
    }
    *ret_selection = s;
    return 0;
}

void selection_fini(struct selection *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        xfree(s->entries[i].schema);
        xfree(s->entries[i].table);
    }
    xfree(s->entries);
    *s = (struct selection){ 0 };
}

enum selection_match selection_find(const struct selection *s,
                                    const char *schema, const char *table)
{
    enum selection_match found = SELECTION_NO;

    if (s->count == 0) {
        return SELECTION_WILDCARD;
    }
    for (unsigned i = 0; i < s->count; i++) {
        const struct selection_entry *entry = &s->entries[i];

        if (entry->exact && strcmp(entry->schema, schema) == 0 &&
            strcmp(entry->table, table) == 0) {
            return SELECTION_NAMED;
        }
        if (fnmatch(entry->schema, schema, 0) == 0 &&
            fnmatch(entry->table, table, 0) == 0) {
            found = SELECTION_WILDCARD;
        }
    }
    return found;
}

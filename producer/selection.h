/*
 * selection.h - which tables are captured: the comma list of CDC_TABLES.
 *
 * PURE. Each entry is `schema.table` with the wildcards of fnmatch(3) in
 * either part; an entry without a dot means schema public. Names are matched
 * exactly as PostgreSQL stores them ("public.User"). An empty list selects
 * every table.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"

struct selection_entry {
    char *schema, *table; /* patterns */
    bool exact;           /* no wildcard: this one table was named */
};

struct selection {
    struct selection_entry *entries;
    unsigned count; /* 0 = everything */
};

enum selection_match {
    SELECTION_NO,
    SELECTION_WILDCARD,
    SELECTION_NAMED /* by an entry without wildcard */
};

/* `list` may be NULL. ERR_CONFIG for an empty entry. */
int selection_read(const char *list, struct selection *ret_selection,
                   struct err *e) MUST_CHECK;
void selection_fini(struct selection *s);

enum selection_match selection_find(const struct selection *s,
                                    const char *schema, const char *table);

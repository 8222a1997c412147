/*
 * fitness.h - can this table be captured, by this role?
 *
 * Refused is what would lose changes (no key, unlogged, a key that is no key
 * within a transaction), what would make the application's own statements
 * fail, and what the role may not do: each of them would show later, as a
 * stop of the whole pipeline. Knows no selection: adopt.c decides whether a
 * table is refused aloud or left out.
 *
 * PURE.
 */
#pragma once

#include "producer/catalog.h"

/* False, with the reason and the SQL that fixes it appended to `why`, when
   the table cannot be captured. `in_publication`: somebody has put it there
   already. `role`: of the session that read `cat`. */
bool fitness_judge(const struct catalog_table *cat, bool in_publication,
                   const char *role, struct buf *why);

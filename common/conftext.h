/*
 * conftext.h - words that all pages made of the option table share.
 *
 * PURE. Texts are appended to a builder.
 */
#pragma once

#include "common/conf.h"

/* "TEXT", "N", "DURATION": what follows the flag; "" for a bool. */
const char *conftext_placeholder(const struct conf_option *o);

/* The section an option is listed under: "source", "sinks.clickhouse",
   "general" for what has none. */
struct str conftext_group(const struct conf_option *o);

/* The first option of its group among those of `mask`? In the table a group
   stands together, but for "general". */
bool conftext_begins_group(const struct conf_option *options, unsigned mask,
                           const struct conf_option *o);

/* "producer, monitor"; "all". */
void conftext_programs(struct buf *b, unsigned programs);

/* May it stand in the file? */
bool conftext_in_file(const struct conf_option *o);

/* In lines of at most `columns`, each with `indent` spaces in front, broken at
   spaces (a longer word behind a comma). */
void conftext_wrap(struct buf *b, int indent, int columns, const char *text);

/* Sections are opened and closed while the keys of the file go by:
   "sinks.clickhouse.url" is 2 deep, and has `common` parts of the key before
   it. */
int conftext_depth(const char *key);
int conftext_common(const char *before, const char *key);

/* The part of a key with this number, from 0. */
struct str conftext_part(const char *key, int number);

/*
 * confvalue.h - an option's value as text <-> as the program's field.
 *
 * PURE, but for value_store's allocation. Accepts durations ("500ms", "30s",
 * "5m", "1h") and sizes ("512KiB", "8MiB", "1GiB") from every source, and
 * bare numbers, which are milliseconds and bytes: environments had them
 * first. Error texts show the value unless the option is secret or
 * the value looks as if it held a password.
 */
#pragma once

#include "common/conf.h"

/* Parses `text` into the field of `cfg` at `offset`, replacing (and freeing)
   what was there. The error names no place: the caller knows it. ERR_CONFIG,
   the field is untouched. */
int confvalue_store(const struct conf_option *o, const char *text, void *cfg,
                    size_t offset, struct err *e) MUST_CHECK;

/* Is the field a char * that the struct owns? */
bool confvalue_is_text(const struct conf_option *o);

/* Appends the field's value as a person may see it: what is secret as ***,
   of a URL its password, an unset text as nothing. */
void confvalue_show(const struct conf_option *o, const void *cfg, size_t offset,
                    struct buf *b);

/* `text` for an error text: what may hold a password, because it is a URL or
   a connection string that got to the wrong place, is only said to be one. */
const char *confvalue_shown(const char *text);

/* Is it a number? */
bool confvalue_has_range(const struct conf_option *o);

/* "1 to 1024", "100ms to 1h"; nothing for what has no range. */
void confvalue_range(const struct conf_option *o, struct buf *b);

/* Appends `url` with its password, and that of a query parameter, as ***.
   Text that is no URL but may be a connection string becomes ***. */
void confvalue_redact(const char *url, struct buf *b);

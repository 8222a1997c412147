/*
 * canonnest.h - canonical texts of values that hold values: arrays, hstore,
 * JSON. Part of canon.c, which says what the texts are.
 *
 * All functions append to `b` and return false for a text that is none of
 * its kind. No recursion: depth is counted.
 *
 * PURE.
 */
#pragma once

#include "monitor/canon.h"

/* JSON without the white space between tokens; any text is taken. */
void canonnest_json(struct buf *b, struct str json);

/* PostgreSQL's {1,NULL,"a b"}; bounds in front are no part of the value. */
bool canonnest_pg_array(struct canon *k, struct buf *b,
                        const struct canon_column *c, struct str text);

/* The event's [1,null,"a b"]. */
bool canonnest_json_array(struct canon *k, struct buf *b,
                          const struct canon_column *c, struct str json);

/* PostgreSQL's "k"=>"v", "l"=>NULL, and the event's {"k":"v","l":null}. */
bool canonnest_pg_hstore(struct canon *k, struct buf *b, struct str text);
bool canonnest_json_hstore(struct canon *k, struct buf *b, struct str json);

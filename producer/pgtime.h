/*
 * pgtime.h - dates and times: PostgreSQL's text -> ISO 8601 in JSON.
 *
 * PURE, fuzzed through pgtype. The session prints DateStyle ISO in UTC:
 *
 *   date         YYYY-MM-DD [BC]                      or [-]infinity
 *   timestamp    YYYY-MM-DD HH:MM:SS[.ffffff] [BC]    or [-]infinity
 *   timestamptz  YYYY-MM-DD HH:MM:SS[.ffffff]+00 [BC] or [-]infinity
 *   time         HH:MM:SS[.ffffff][+-HH[:MM[:SS]]]
 *
 * Written: "YYYY-MM-DD", "YYYY-MM-DDTHH:MM:SS[.ffffff]", the same with "Z",
 * times as they are. Years past 9999 keep all their digits; years BC become
 * ISO's signed ones: 1 BC is 0000, 44 BC is -0043. "infinity" stays.
 *
 * Digits are copied, never computed with: nothing is rounded. Any other text,
 * also another offset than UTC's, sets the builder's `failed`.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"

void pgtime_date(struct buf *b, struct str text);

/* `zoned`: a timestamptz. */
void pgtime_timestamp(struct buf *b, struct str text, bool zoned);

/* time and timetz. */
void pgtime_clock(struct buf *b, struct str text);

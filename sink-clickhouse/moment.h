/*
 * moment.h - the event's dates and timestamps as numbers, within the range
 * that ClickHouse's Date32 and DateTime64 keep: 1900-01-01 to 2299-12-31.
 *
 * Beyond it the server would clamp or wrap without a word (reliability.md
 * 4.11), so what does not fit is refused here: other years, BC ("-0043-…"),
 * "infinity" and "-infinity".
 *
 * Pure.
 */
#pragma once

#include "common/buf.h"

/* "2017-09-15" -> days since 1970-01-01. Returns NULL, or why not (constant
   text; `ret_days` untouched). */
const char *moment_days(struct str text, int64_t *ret_days) MUST_CHECK;

/* "2019-07-09T02:28:57.123456" with up to six fraction digits, with or
   without a "Z" -> microseconds since 1970-01-01T00:00:00. */
const char *moment_us(struct str text, int64_t *ret_us) MUST_CHECK;

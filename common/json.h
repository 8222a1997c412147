/*
 * json.h - writes JSON text onto a struct buf. Never reads any.
 *
 * Strings are escaped as Debezium's converter does (debezium-format.md 1.3):
 * \" \\ \b \t \n \f \r, other C0 controls as \u00XX in upper case, characters
 * above the BMP as an escaped surrogate pair (\uD83D\uDE00), everything else
 * raw UTF-8. So key bytes, and with them the partition, equal Debezium's.
 * Bytes that are not valid UTF-8 set the builder's `failed` flag: PostgreSQL
 * never sends such (client_encoding is UTF8), and no event may carry them.
 *
 * Numbers pass through as text: json_raw. Nothing here knows doubles.
 */
#pragma once

#include "common/buf.h"

/* A quoted, escaped string. */
void json_string(struct buf *b, struct str s);

/* The escaped text without quotes. */
void json_escape(struct buf *b, struct str s);

/* `,"name":` or, when the last byte is '{', `"name":`. */
void json_member(struct buf *b, struct str name);

/* Shorthands for control data: member with a string, a number, a bool. */
void json_member_string(struct buf *b, const char *name, struct str value);
void json_member_i64(struct buf *b, const char *name, int64_t value);
void json_member_u64(struct buf *b, const char *name, uint64_t value);
void json_member_bool(struct buf *b, const char *name, bool value);

/* A JSON value byte for byte, except that CR, LF and TAB between tokens
   become spaces (DESIGN 2: an event is one line). Inside strings JSON allows
   no raw control characters, so a blind replacement is exact. */
void json_one_line(struct buf *b, struct str json);

/* Does `s` match the JSON number grammar? (NaN, Infinity, +1 do not.) */
bool json_is_number(struct str s);

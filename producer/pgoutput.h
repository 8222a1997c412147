/*
 * pgoutput.h - bytes of the pgoutput plugin -> struct pgo_msg.
 *
 * PURE, fuzzed. Protocol version 1, text tuples; PostgreSQL's documentation,
 * "Logical Replication Message Formats". Grammar (integers big-endian,
 * string = bytes up to NUL):
 *
 *   B  int64 final_lsn, int64 commit_us, int32 xid
 *   C  int8 flags, int64 commit_lsn, int64 end_lsn, int64 commit_us
 *   O  int64 origin_lsn, string name
 *   R  int32 oid, string schema, string name, int8 identity, int16 n,
 *      n x (int8 flags, string name, int32 type, int32 typmod)
 *   Y  int32 oid, string schema, string name
 *   I  int32 oid, 'N' tuple
 *   U  int32 oid, [('K' | 'O') tuple], 'N' tuple
 *   D  int32 oid, ('K' | 'O') tuple
 *   T  int32 n, int8 options, n x int32 oid
 *   M  int8 flags, int64 lsn, string prefix, int32 len, len bytes
 *   tuple = int16 n, n x ('n' | 'u' | 't' int32 len, bytes
 *                            | 'b' int32 len, bytes)
 *
 * Guarantees: never reads past the message; a message is decoded whole or
 * not at all (trailing bytes are an error too); views borrow the message.
 */
#pragma once

#include "common/buf.h"
#include "common/err.h"
#include "common/shape.h"

enum pgo_type {
    PGO_BEGIN = 'B',
    PGO_COMMIT = 'C',
    PGO_ORIGIN = 'O',
    PGO_RELATION = 'R',
    PGO_TYPE = 'Y',
    PGO_INSERT = 'I',
    PGO_UPDATE = 'U',
    PGO_DELETE = 'D',
    PGO_TRUNCATE = 'T',
    PGO_MESSAGE = 'M',
};

/* One value of a tuple. */
enum pgo_kind {
    PGO_NULL = 'n',
    PGO_UNCHANGED = 'u', /* a TOAST value the update did not touch */
    PGO_TEXT = 't',
};

struct pgo_value {
    enum pgo_kind kind;
    struct str text; /* PGO_TEXT: as PostgreSQL prints it, UTF-8 */
};

/* Storage for one tuple, in the decoder's owner; no allocation per row. */
struct pgo_tuple {
    unsigned count;
    struct pgo_value values[SHAPE_COLUMNS_MAX];
};

struct pgo_column {
    struct str name;
    uint32_t type_oid;
    int32_t typmod;
    bool identity; /* part of the replica identity */
};

enum { PGO_TRUNCATE_MAX = 65536 }; /* tables of one TRUNCATE message */

struct pgo_msg {
    enum pgo_type type;
    uint32_t oid; /* R I U D: the table; Y: the type */

    uint64_t final_lsn; /* B: start of the commit record; C: the same */
    uint64_t end_lsn;   /* C */
    int64_t commit_us;  /* B, C: microseconds since 1970-01-01 UTC */
    uint32_t xid;       /* B */

    struct str schema, name; /* R Y; "" schema means pg_catalog. O: name */
    char identity;           /* R: 'd' 'n' 'f' 'i' */
    unsigned column_count;   /* R: in columns[] of the decoder */

    bool has_old;  /* U D: pgo.old is filled */
    char old_kind; /* 'K' key columns only, 'O' the whole row */

    unsigned truncate_count; /* T: in pgo.truncated[] */
    uint8_t truncate_options;

    bool transactional;         /* M */
    uint64_t message_lsn;       /* M; O: of the commit at the origin */
    struct str prefix, content; /* M */
};

/* The decoder's storage: large (about 400 kB), allocate once. `new` and
   `old` are valid for I U D until the next call. */
struct pgoutput {
    struct pgo_tuple new_row, old_row;
    struct pgo_column columns[SHAPE_COLUMNS_MAX];
    uint32_t truncated[PGO_TRUNCATE_MAX];
};

/* Decodes one message. ERR_FATAL with the byte position of what is wrong
   (unknown type letter, cut message, trailing bytes, a binary value, a count
   past its limit): WAL is never skipped. The storage is then undefined. */
int pgoutput_decode(struct pgoutput *pgo, struct str message,
                    struct pgo_msg *ret_msg, struct err *e) MUST_CHECK;

/*
 * record.h - one Kafka record, its headers checked, as an item.
 *
 * Everything a sink needs to know of a record before it can be written: the
 * headers of DESIGN 2 are there and well formed, the value agrees with them,
 * and the row is complete. What is not so can never be written and must
 * never be skipped: ERR_INPUT says why, without any row value.
 *
 * PURE: the caller cuts the headers out of the message. No allocation.
 */
#pragma once

#include "common/sink.h"

/* Views into a message. p == NULL: not there; value: a tombstone. */
struct record {
    struct str key, value;
    struct str version, op, fingerprint; /* cdc-version, cdc-op, cdc-schema */
    struct str unavailable;              /* cdc-unavailable */
};

/* Fills `ev` and `version` of the item. */
int record_read(const struct record *r, struct item *it,
                struct err *e) MUST_CHECK;

/*
 * expo.h - merges several expositions of metrics into one.
 *
 * A family that several texts share comes out once, HELP and TYPE before all
 * of its series (promtext.h draws the format). Lines that are not valid are
 * left out, so the result is always a valid exposition.
 *
 * PURE. Not thread-safe.
 */
#pragma once

#include "common/buf.h"

/* Families in the order of their names. Zero-initialise. */
struct expo {
    struct expo_family *families;
    unsigned count, cap;
};

enum {
    EXPO_FAMILIES_MAX = 1000,
    EXPO_BYTES_MAX = 16 << 20, /* of one family; a larger one is left out */
};

/* Adds the lines of `text`. Each series gets component="..." and
   instance="..." in front, unless it has that label or the argument is NULL.
   Help and type of a family are those that came first; series of a family
   that `text` declares with another type are left out. Copies. */
void expo_add(struct expo *x, struct str text, const char *component,
              const char *instance);

/* Appends everything. */
void expo_write(struct buf *b, const struct expo *x);

/* Accepts a zeroed one. */
void expo_fini(struct expo *x);

/*
 * confnear.h - what was probably meant: the candidate nearest to a word.
 *
 * PURE. Levenshtein's distance, at most a quarter of the word and one more;
 * of equally near candidates the first.
 */
#pragma once

#include <stddef.h>

struct confnear {
    const char *word; /* what was typed; set by the caller, borrowed */
    unsigned max;     /* distance that still counts; 0: see above */
    const char *best; /* a candidate, borrowed; NULL: nothing is near */
    unsigned distance;
};

void confnear_try(struct confnear *n, const char *candidate);

/* "; did you mean X?" or "", for the end of an error text. `ret` has room for
   `size` bytes. `dashes` go in front of X. */
const char *confnear_text(const struct confnear *n, const char *dashes,
                          char *ret, size_t size);

#include "common/confnear.h"

#include <limits.h>

#include "common/xalloc.h"

enum { WORD_CHARS_MAX = 64 }; /* longer words get no suggestion */

/* Levenshtein's distance of two short words, one row at a time. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_CHARS_MAX + 1];
    size_t a_len = strlen(a), b_len = strlen(b);

    if (a_len > WORD_CHARS_MAX || b_len > WORD_CHARS_MAX) {
        return UINT_MAX;
    }
    for (unsigned j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            unsigned least = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[b_len];
}

void confnear_try(struct confnear *n, const char *candidate)
{
    unsigned d = distance(n->word, candidate);
    size_t max = n->max ? n->max : 1 + strlen(n->word) / 4;

    if ((!n->best || d < n->distance) && d <= max) {
        n->distance = d;
        n->best = candidate;
    }
}

const char *confnear_text(const struct confnear *n, const char *dashes,
                          char *ret, size_t size)
{
    ret[0] = '\0';
    if (n->best) {
        (void)snprintf(ret, size, "; did you mean %s%s?", dashes, n->best);
    }
    return ret;
}

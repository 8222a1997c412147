#include "monitor/tsv.h"

#include "common/slice.h"

static char unescaped(char c)
{
    switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    case '0': return '\0';
    default: return c;
    }
}

/* Takes the escapes out of p..p+len; returns the new length, or -1. */
static long unescape(char *p, size_t len)
{
    char *from = memchr(p, '\\', len), *to = from, *end = p + len;

    if (!from) {
        return (long)len;
    }
    while (from < end) {
        if (*from == '\\') {
            if (++from == end) {
                return -1;
            }
            *to++ = unescaped(*from++);
        } else {
            *to++ = *from++;
        }
    }
    return to - p;
}

bool tsv_split(char *line, size_t len, struct str *ret_fields, unsigned count)
{
    char *p = line, *end = line + len;

    for (unsigned i = 0; i < count; i++) {
        char *tab = memchr(p, '\t', (size_t)(end - p));
        char *stop = tab ? tab : end;
        long size;

        if ((tab == NULL) != (i + 1 == count)) {
            return false;
        }
        if (stop - p == 2 && p[0] == '\\' && p[1] == 'N') {
            ret_fields[i] = (struct str){ 0 };
        } else {
            size = unescape(p, (size_t)(stop - p));
            if (size < 0) {
                return false;
            }
            ret_fields[i] = (struct str){ p, (size_t)size };
        }
        p = tab ? tab + 1 : end;
    }
    return count > 0;
}

bool tsv_u64(struct str field, uint64_t *ret)
{
    return field.p && slice_u64(field, ret);
}

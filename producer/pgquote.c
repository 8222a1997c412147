#include "producer/pgquote.h"

bool pgquote_cut(struct str *rest, struct str *ret_inner, bool *ret_escaped)
{
    const char *const start = rest->p + 1;
    const char *const end = rest->p + rest->len;
    bool escaped = false;

    for (const char *p = start; p < end; p++) {
        if (*p == '\\') {
            escaped = true;
            p++;
        } else if (*p == '"') {
            *ret_inner = (struct str){ start, (size_t)(p - start) };
            *ret_escaped = escaped;
            *rest = (struct str){ p + 1, (size_t)(end - p - 1) };
            return true;
        }
    }
    return false;
}

void pgquote_runs(struct buf *b, struct str inner, pgquote_sink *sink)
{
    const char *run = inner.p;
    const char *const end = inner.p + inner.len;
    const char *from = run; /* where to look for the next backslash */

    while (from < end) {
        const char *slash = memchr(from, '\\', (size_t)(end - from));

        if (slash == NULL) {
            break;
        }
        sink(b, (struct str){ run, (size_t)(slash - run) });
        run = slash + 1;
        from = run + 1; /* what it protects may be a backslash */
    }
    sink(b, (struct str){ run, (size_t)(end - run) });
}

#include "producer/pghstore.h"

#include "common/json.h"
#include "producer/pgquote.h"

/* Takes `what` off the front. */
static bool skip(struct str *rest, struct str what)
{
    if (rest->len < what.len || memcmp(rest->p, what.p, what.len) != 0) {
        return false;
    }
    rest->p += what.len;
    rest->len -= what.len;
    return true;
}

static bool write_string(struct buf *b, struct str *rest)
{
    struct str inner;
    bool escaped;

    if (rest->len == 0 || rest->p[0] != '"' ||
        !pgquote_cut(rest, &inner, &escaped)) {
        return false;
    }
    buf_char(b, '"');
    pgquote_runs(b, inner, json_escape);
    buf_char(b, '"');
    return true;
}

static bool write_pair(struct buf *b, struct str *rest)
{
    if (!write_string(b, rest) || !skip(rest, STR("=>"))) {
        return false;
    }
    buf_char(b, ':');
    if (skip(rest, STR("NULL"))) {
        buf_lit(b, "null");
        return true;
    }
    return write_string(b, rest);
}

void pghstore_write(struct buf *b, struct str text)
{
    bool fine = true;

    buf_char(b, '{');
    if (text.len > 0) {
        fine = write_pair(b, &text);
    }
    while (fine && text.len > 0 && buf_ok(b)) {
        buf_char(b, ',');
        fine = skip(&text, STR(", ")) && write_pair(b, &text);
    }
    buf_char(b, '}');
    if (!fine) {
        b->failed = true;
    }
}

#include "producer/snapshot.h"

/* Takes a decimal number off the front. */
static bool take_u64(struct str *rest, uint64_t *ret_n)
{
    uint64_t n = 0;
    size_t len = 0;

    for (; len < rest->len && rest->p[len] >= '0' && rest->p[len] <= '9';
         len++) {
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(rest->p[len] - '0'), &n)) {
            return false;
        }
    }
    rest->p += len;
    rest->len -= len;
    *ret_n = n;
    return len > 0;
}

static bool take_char(struct str *rest, char c)
{
    if (rest->len == 0 || rest->p[0] != c) {
        return false;
    }
    rest->p++;
    rest->len--;
    return true;
}

static unsigned comma_count(struct str s)
{
    unsigned count = 0;

    for (size_t n = 0; n < s.len; n++) {
        count += s.p[n] == ',';
    }
    return count;
}

/* The list behind the second colon; it may be empty. */
static bool read_running(struct str rest, struct snapshot *s)
{
    uint64_t least = s->xmin;

    if (rest.len == 0) {
        return true;
    }
    if (rest.len / 2 > SNAPSHOT_RUNNING_MAX &&
        comma_count(rest) >= SNAPSHOT_RUNNING_MAX) {
        return false;
    }
    s->running = xcalloc(comma_count(rest) + 1, sizeof(*s->running));
    do {
        uint64_t xid;

        if (!take_u64(&rest, &xid) || xid < least || xid >= s->xmax) {
            return false;
        }
        s->running[s->running_count++] = xid;
        least = xid + 1;
    } while (take_char(&rest, ','));
    return rest.len == 0;
}

int snapshot_read(struct str text, struct snapshot *ret_snapshot, struct err *e)
{
    struct snapshot s = { 0 };
    struct str rest = text;

    if (!take_u64(&rest, &s.xmin) || !take_char(&rest, ':') ||
        !take_u64(&rest, &s.xmax) || !take_char(&rest, ':') ||
        s.xmin > s.xmax || !read_running(rest, &s)) {
        snapshot_fini(&s);
        return err_set(e, ERR_FATAL, "no snapshot: \"%.*s\"",
                       (int)(text.len < 200 ? text.len : 200),
                       text.len > 0 ? text.p : "");
    }
    *ret_snapshot = s;
    return 0;
}

void snapshot_fini(struct snapshot *s)
{
    if (s != NULL) {
        xfree(s->running);
        *s = (struct snapshot){ 0 };
    }
}

static bool is_running(const struct snapshot *s, uint64_t xid)
{
    unsigned low = 0, high = s->running_count;

    while (low < high) {
        const unsigned middle = low + (high - low) / 2;

        if (s->running[middle] < xid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < s->running_count && s->running[low] == xid;
}

/* The 64-bit xid nearest to xmax that ends in these 32 bits. Below zero there
   is none: then it is the one above. */
static uint64_t extend(uint32_t xid, uint64_t xmax)
{
    const uint64_t epoch = (uint64_t)1 << 32;
    const uint32_t ahead = xid - (uint32_t)xmax;
    const uint64_t above = xmax + ahead;

    if (ahead < epoch / 2 || above < epoch) {
        return above;
    }
    return above - epoch;
}

bool snapshot_sees(const struct snapshot *s, uint32_t xid)
{
    const uint64_t full = extend(xid, s->xmax);

    return full < s->xmax && !is_running(s, full);
}

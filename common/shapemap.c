#include "common/shapemap.h"

#include "common/xalloc.h"

void shapemap_fini(struct shapemap *m)
{
    xfree(m->list);
    *m = (struct shapemap){ 0 };
}

/* Where the shape stands in the list, or would stand. */
static unsigned place_of(const struct shapemap *m, const struct shape *shape)
{
    unsigned low = 0, high = m->count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if ((uintptr_t)m->list[middle].shape < (uintptr_t)shape) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void *shapemap_find(const struct shapemap *m, const struct shape *shape)
{
    unsigned at = place_of(m, shape);

    return at < m->count && m->list[at].shape == shape ? m->list[at].value
                                                       : NULL;
}

void shapemap_put(struct shapemap *m, const struct shape *shape, void *value)
{
    unsigned at = place_of(m, shape);

    m->list = xrealloc(m->list, m->count + 1, sizeof(*m->list));
    memmove(m->list + at + 1, m->list + at, (m->count - at) * sizeof(*m->list));
    m->list[at] = (struct shapemap_entry){ shape, value };
    m->count++;
}

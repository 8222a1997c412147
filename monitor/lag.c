#include "monitor/lag.h"

enum { PARTITIONS_MAX = 100 * 1000 };

static const struct lag_place place_new = {
    .start = -1, .record_offset = -1, .since_us = -1, .frozen_us = -1
};

void lag_init(struct lag *l, bool es, bool clickhouse)
{
    *l = (struct lag){ 0 };
    l->enabled[SINK_ES] = es;
    l->enabled[SINK_CLICKHOUSE] = clickhouse;
}

static void topic_fini(struct lag_topic *t)
{
    xfree(t->name);
    xfree(t->table);
    xfree(t->parts);
}

void lag_fini(struct lag *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        topic_fini(&l->topics[i]);
    }
    xfree(l->topics);
    l->topics = NULL;
    l->count = l->cap = 0;
}

struct str lag_table_name(struct str prefix, struct str topic)
{
    const struct str none = { NULL, 0 };
    struct str rest;

    if (topic.len <= prefix.len || topic.p[prefix.len] != '.' ||
        memcmp(topic.p, prefix.p, prefix.len) != 0) {
        return none;
    }
    rest.p = topic.p + prefix.len + 1;
    rest.len = topic.len - prefix.len - 1;
    if (rest.len == 0 || rest.p[0] == '.' || !memchr(rest.p, '.', rest.len)) {
        return none; /* of two parts: cdc.state, cdc.schema ... */
    }
    if (rest.len > 7 && memcmp(rest.p, "public.", 7) == 0) {
        rest.p += 7;
        rest.len -= 7;
    }
    return rest;
}

static int topic_order(const struct lag_topic *t, struct str name)
{
    size_t len = strlen(t->name);
    int order = memcmp(t->name, name.p, len < name.len ? len : name.len);

    return order ? order : (len > name.len) - (len < name.len);
}

/* Where the topic is, or would be. */
static unsigned topic_place(const struct lag *l, struct str name,
                            bool *ret_found)
{
    unsigned low = 0, high = l->count;

    *ret_found = false;
    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        int order = topic_order(&l->topics[mid], name);

        if (order == 0) {
            *ret_found = true;
            return mid;
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

struct lag_topic *lag_find(struct lag *l, struct str topic)
{
    bool found;
    unsigned at = topic_place(l, topic, &found);

    return found ? &l->topics[at] : NULL;
}

static struct lag_topic *topic_make(struct lag *l, unsigned at,
                                    struct str topic, struct str table)
{
    struct lag_topic *t;

    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 16;
        l->topics = xrealloc(l->topics, l->cap, sizeof(*l->topics));
    }
    t = &l->topics[at];
    memmove(t + 1, t, (l->count - at) * sizeof(*t));
    l->count++;
    *t = (struct lag_topic){
        .name = xstrndup(topic.p, topic.len),
        .table = xstrndup(table.p, table.len),
    };
    return t;
}

static void topic_resize(struct lag_topic *t, unsigned part_count)
{
    t->parts = xrealloc(t->parts, part_count, sizeof(*t->parts));
    for (unsigned i = t->part_count; i < part_count; i++) {
        t->parts[i] = (struct lag_part){ .low = -1, .high = -1 };
        for (int s = 0; s < SINK_COUNT; s++) {
            t->parts[i].places[s] = place_new;
        }
    }
    t->part_count = part_count;
}

void lag_topic(struct lag *l, struct str topic, struct str table,
               unsigned part_count)
{
    bool found;
    unsigned at = topic_place(l, topic, &found);
    struct lag_topic *t =
        found ? &l->topics[at] : topic_make(l, at, topic, table);

    t->seen = true;
    if (part_count != t->part_count && part_count <= PARTITIONS_MAX) {
        topic_resize(t, part_count);
    }
}

void lag_topics_end(struct lag *l)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < l->count; i++) {
        if (!l->topics[i].seen) {
            topic_fini(&l->topics[i]);
            continue;
        }
        l->topics[kept] = l->topics[i];
        l->topics[kept++].seen = false;
    }
    l->count = kept;
}

/* All but what readers see. */
static void place_forget(struct lag_place *place)
{
    place->start = place->record_offset = -1;
    place->record_us = place->measured_us = place->caught_up_us = 0;
    place->behind = place->still = false;
}

void lag_marks(struct lag_topic *t, unsigned partition, int64_t low,
               int64_t high)
{
    struct lag_part *part;

    if (partition >= t->part_count || low < 0 || high < 0) {
        return;
    }
    part = &t->parts[partition];
    if (high < part->high) {
        /* The topic was made anew: what was read belongs to the old one. */
        for (int s = 0; s < SINK_COUNT; s++) {
            place_forget(&part->places[s]);
        }
    }
    part->low = low;
    part->high = high;
}

void lag_committed(struct lag_topic *t, unsigned partition, enum sink sink,
                   int64_t committed)
{
    struct lag_part *part;
    struct lag_place *place;
    int64_t start;
    bool behind;

    if (partition >= t->part_count || t->parts[partition].high < 0) {
        return;
    }
    part = &t->parts[partition];
    place = &part->places[sink];
    start = committed < part->low ? part->low : committed;
    behind = start < part->high;
    place->still = behind && place->behind && start == place->start;
    place->start = start;
    place->behind = behind;
}

void lag_begin(struct lag *l)
{
    l->round++;
}

static bool place_wants(const struct lag_place *place)
{
    return place->behind && place->record_offset != place->start;
}

/* Keeps ret[0..count) a heap with the youngest read on top, so that the
   oldest `max` are left at the end. */
static void want_sift(struct lag_want *ret, unsigned count, unsigned at)
{
    for (;;) {
        unsigned big = at, left = 2 * at + 1;

        for (unsigned c = left; c < left + 2 && c < count; c++) {
            if (ret[c].read_round > ret[big].read_round) {
                big = c;
            }
        }
        if (big == at) {
            return;
        }
        struct lag_want moved = ret[at];

        ret[at] = ret[big];
        ret[big] = moved;
        at = big;
    }
}

static unsigned want_add(struct lag_want *ret, unsigned count, unsigned max,
                         const struct lag_want *want)
{
    if (count < max) {
        ret[count++] = *want;
        for (unsigned i = count / 2; count == max && i-- > 0;) {
            want_sift(ret, count, i);
        }
    } else if (max > 0 && want->read_round < ret[0].read_round) {
        ret[0] = *want;
        want_sift(ret, count, 0);
    }
    return count;
}

unsigned lag_wanted(const struct lag *l, enum sink sink, struct lag_want *ret,
                    unsigned max)
{
    unsigned count = 0;

    for (unsigned t = 0; l->enabled[sink] && t < l->count; t++) {
        for (unsigned p = 0; p < l->topics[t].part_count; p++) {
            const struct lag_place *place = &l->topics[t].parts[p].places[sink];
            struct lag_want want = { t, (int32_t)p, place->start,
                                     place->read_round };

            if (place_wants(place)) {
                count = want_add(ret, count, max, &want);
            }
        }
    }
    return count;
}

void lag_record(struct lag *l, enum sink sink, const struct lag_want *want,
                int64_t commit_us, int64_t now_us)
{
    struct lag_place *place =
        &l->topics[want->topic].parts[want->partition].places[sink];

    place->record_offset = want->offset;
    place->record_us = commit_us;
    place->measured_us = commit_us < now_us ? now_us - commit_us : 0;
    place->read_round = l->round;
}

static void place_show(struct lag_place *place, int64_t high, int64_t now_us)
{
    bool current = place->record_offset == place->start;

    if (place->start < 0) {
        return;
    }
    place->frozen_us = -1;
    if (!place->behind || (current && place->record_us == 0)) {
        place->caught_up_us = now_us;
        place->since_us = 0;
        place->messages = 0;
        return;
    }
    place->messages = (uint64_t)(high - place->start);
    if (current) {
        place->since_us = place->record_us;
        place->frozen_us = place->still ? -1 : place->measured_us;
        return;
    }
    place->since_us = place->record_us > place->caught_up_us
                          ? place->record_us
                          : place->caught_up_us;
    if (place->since_us == 0) {
        place->since_us = -1;
    }
}

void lag_end(struct lag *l, int64_t now_us)
{
    for (unsigned t = 0; t < l->count; t++) {
        for (unsigned p = 0; p < l->topics[t].part_count; p++) {
            struct lag_part *part = &l->topics[t].parts[p];

            for (int s = 0; s < SINK_COUNT; s++) {
                place_show(&part->places[s], part->high, now_us);
            }
        }
    }
}

void lag_stall(struct lag *l)
{
    for (unsigned t = 0; t < l->count; t++) {
        for (unsigned p = 0; p < l->topics[t].part_count; p++) {
            for (int s = 0; s < SINK_COUNT; s++) {
                l->topics[t].parts[p].places[s].frozen_us = -1;
            }
        }
    }
}

static double place_seconds(const struct lag_place *place, int64_t now_us)
{
    int64_t lag_us = place->frozen_us;

    if (place->since_us <= 0) {
        return 0;
    }
    if (lag_us < 0) {
        lag_us = now_us - place->since_us;
    }
    return lag_us > 0 ? (double)lag_us / 1e6 : 0;
}

struct lag_sum lag_table(const struct lag_topic *t, enum sink sink,
                         int64_t now_us)
{
    struct lag_sum sum = { .known = true };

    for (unsigned p = 0; p < t->part_count; p++) {
        const struct lag_place *place = &t->parts[p].places[sink];
        double seconds = place_seconds(place, now_us);

        sum.messages += place->messages;
        sum.known = sum.known && place->since_us >= 0;
        if (seconds > sum.seconds) {
            sum.seconds = seconds;
        }
    }
    return sum;
}

struct lag_sum lag_sink(const struct lag *l, enum sink sink, int64_t now_us,
                        const struct lag_topic **ret_topic)
{
    struct lag_sum all = { .known = true };

    *ret_topic = NULL;
    for (unsigned i = 0; l->enabled[sink] && i < l->count; i++) {
        struct lag_sum one = lag_table(&l->topics[i], sink, now_us);

        if (one.seconds > all.seconds) {
            all.seconds = one.seconds;
            *ret_topic = &l->topics[i];
        }
        all.messages += one.messages;
        all.known = all.known && one.known;
    }
    return all;
}

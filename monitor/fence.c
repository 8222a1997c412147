#include "monitor/fence.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/stop.h"

enum { STEP_MAX_MS = 400 };

void fence_marks_fini(struct fence_marks *m)
{
    for (unsigned i = 0; i < m->count; i++) {
        xfree(m->list[i].topic);
    }
    xfree(m->list);
    *m = (struct fence_marks){ 0 };
}

int fence_marks_take(struct fence_marks *m, const struct lag_topic *topic,
                     struct err *e)
{
    for (unsigned i = 0; i < topic->part_count; i++) {
        if (topic->parts[i].high < 0) {
            return err_set(e, ERR_RETRY, "the end of %s [%u] is not known",
                           topic->name, i);
        }
        if (m->count == m->cap) {
            m->cap = m->cap ? m->cap * 2 : 64;
            m->list = xrealloc(m->list, m->cap, sizeof(*m->list));
        }
        m->list[m->count++] = (struct fence_mark){
            .topic = xstrdup(topic->name),
            .partition = i,
            .end = topic->parts[i].high,
        };
    }
    return 0;
}

uint64_t fence_behind(const struct fence_marks *m, struct lag *lag,
                      enum sink sink)
{
    uint64_t behind = 0;

    for (unsigned i = 0; i < m->count; i++) {
        const struct fence_mark *mark = &m->list[i];
        const struct lag_topic *topic = lag_find(lag, str_of(mark->topic));
        int64_t start = 0;

        if (!topic || mark->partition >= topic->part_count) {
            continue;
        }
        start = topic->parts[mark->partition].places[sink].start;
        start = start > 0 ? start : 0; /* nothing committed yet */
        behind += mark->end > start ? (uint64_t)(mark->end - start) : 0;
    }
    return behind;
}

bool fence_confirmed(const struct read_pg_slot *slot, uint64_t lsn,
                     int64_t age_ms)
{
    return slot->confirmed_lsn >= lsn ||
           (age_ms >= FENCE_SETTLED_MS &&
            slot->confirmed_lsn >= slot->flush_lsn);
}

/* Sleeps a little, longer each time. */
static int step(int *step_ms, int64_t deadline_ms, struct err *e)
{
    if (stop_wait(*step_ms)) {
        return err_set(e, ERR_RETRY, "stopped");
    }
    if (clock_left_ms(deadline_ms) == 0) {
        return 1;
    }
    *step_ms = *step_ms * 2 < STEP_MAX_MS ? *step_ms * 2 : STEP_MAX_MS;
    return 0;
}

static int slot_wait(const struct fence *f, uint64_t lsn, int64_t deadline_ms,
                     struct err *e)
{
    int64_t began_ms = clock_ms();
    struct read_pg_slot slot;
    int step_ms = FENCE_STEP_MS, rc;

    for (;;) {
        int64_t age_ms = clock_ms() - began_ms;

        if (read_pg_slot(f->pg, &slot, e) < 0) {
            return -1;
        }
        if (!slot.exists) {
            return err_set(e, ERR_UNREACHABLE,
                           "the replication slot %s does not exist: the "
                           "producer has not started yet",
                           f->pg->names.slot);
        }
        if (fence_confirmed(&slot, lsn, age_ms)) {
            return 0;
        }
        rc = step(&step_ms, deadline_ms, e);
        if (rc != 0) {
            return rc < 0 ? -1
                          : err_set(e, ERR_RETRY,
                                    "the producer%s has not confirmed what "
                                    "PostgreSQL shows within %d s",
                                    slot.active ? "" : " does not run, and",
                                    f->timeout_ms / 1000);
        }
    }
}

static int marks_make(const struct fence *f, struct fence_marks *ret,
                      struct err *e)
{
    char what[100];

    /* the list of topics may be old: a table's may be new */
    f->kafka->listed_ms = 0;
    if (probe_kafka_check(f->kafka, what, e) < 0 ||
        probe_kafka_offsets(f->kafka, e) < 0) {
        return err_wrap(e, "Kafka");
    }
    for (const char *const *topic = f->topics; *topic; topic++) {
        const struct lag_topic *t = lag_find(f->kafka->lag, str_of(*topic));

        if (t && fence_marks_take(ret, t, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int groups_wait(const struct fence *f, const struct fence_marks *marks,
                       int64_t deadline_ms, struct err *e)
{
    int step_ms = FENCE_STEP_MS, rc;

    for (;;) {
        uint64_t behind[SINK_COUNT] = { 0 }, all = 0;

        for (int s = 0; s < SINK_COUNT; s++) {
            if (f->sinks[s]) {
                behind[s] = fence_behind(marks, f->kafka->lag, (enum sink)s);
                all += behind[s];
            }
        }
        if (all == 0) {
            return 0;
        }
        rc = step(&step_ms, deadline_ms, e);
        if (rc != 0) {
            enum sink late = behind[SINK_ES] > 0 ? SINK_ES : SINK_CLICKHOUSE;

            return rc < 0 ? -1
                          : err_set(e, ERR_RETRY,
                                    "group %s is still %llu events behind "
                                    "after %d s",
                                    f->kafka->groups[late],
                                    (unsigned long long)behind[late],
                                    f->timeout_ms / 1000);
        }
        if (probe_kafka_offsets(f->kafka, e) < 0) {
            return err_wrap(e, "Kafka");
        }
    }
}

int fence_pass(const struct fence *f, struct err *e)
{
    int64_t deadline_ms = clock_ms() + f->timeout_ms;
    int64_t began_ms = clock_ms(), confirmed_ms;
    struct fence_marks marks = { 0 };
    uint64_t lsn;
    int rc = -1;

    if (read_pg_snapshot(f->pg, &lsn, e) < 0 ||
        slot_wait(f, lsn, deadline_ms, e) < 0) {
        return -1;
    }
    confirmed_ms = clock_ms();
    if (marks_make(f, &marks, e) == 0 &&
        groups_wait(f, &marks, deadline_ms, e) == 0) {
        log_debug("fence passed", "slot_ms=%lld groups_ms=%lld",
                  (long long)(confirmed_ms - began_ms),
                  (long long)(clock_ms() - confirmed_ms));
        rc = 0;
    }
    fence_marks_fini(&marks);
    return rc;
}

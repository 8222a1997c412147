#include "monitor/rates.h"

static void note(struct rates *r, int64_t at_ms)
{
    unsigned at = (r->first + r->count) % RATES_NOTES;

    if (r->count == RATES_NOTES) {
        r->first = (r->first + 1) % RATES_NOTES;
    } else {
        r->count++;
    }
    r->notes[at] = (struct rates_note){ at_ms, r->finished, r->rejected };
}

static const struct rates_note *note_at(const struct rates *r, unsigned i)
{
    return &r->notes[(r->first + i) % RATES_NOTES];
}

void rates_init(struct rates *r, int64_t now_ms, double wall_s)
{
    *r = (struct rates){ .monitor_start_s = wall_s };
    note(r, now_ms);
}

static double gain(double before, double now)
{
    return now < before ? now : now - before;
}

void rates_take(struct rates *r, struct rates_source *s,
                const struct rates_reading *reading)
{
    struct rates_reading from = s->last;
    bool restarted = s->seen && from.start_s > 0 && reading->start_s > 0 &&
                     from.start_s != reading->start_s;

    if (restarted || (!s->seen && reading->start_s > r->monitor_start_s)) {
        from = (struct rates_reading){ 0 };
    } else if (!s->seen) {
        from = *reading;
    }
    if (reading->finished < from.finished) {
        from.rejected = 0; /* both counters began again */
    }
    r->finished += gain(from.finished, reading->finished);
    r->rejected += gain(from.rejected, reading->rejected);
    s->last = *reading;
    s->seen = true;
}

void rates_note(struct rates_source *s, const struct rates_reading *reading)
{
    s->last = *reading;
    s->seen = true;
}

void rates_tick(struct rates *r, int64_t now_ms)
{
    const struct rates_note *last = note_at(r, r->count - 1);

    if (now_ms - last->at_ms >= RATES_STEP_MS) {
        note(r, now_ms);
    }
}

/* The newest note that is at least one window old, else the oldest. */
static const struct rates_note *base(const struct rates *r, int64_t now_ms)
{
    unsigned i = 0;

    while (i + 1 < r->count &&
           now_ms - note_at(r, i + 1)->at_ms >= RATES_WINDOW_MS) {
        i++;
    }
    return note_at(r, i);
}

double rates_throughput(const struct rates *r, int64_t now_ms)
{
    const struct rates_note *from = base(r, now_ms);
    int64_t elapsed_ms = now_ms - from->at_ms;

    /* The first second after the start would give wild numbers. */
    if (elapsed_ms < 1000) {
        return 0;
    }
    return (r->finished - from->finished) * 1000 / (double)elapsed_ms;
}

void rates_gain(const struct rates *r, int64_t now_ms, double *finished,
                double *rejected)
{
    const struct rates_note *from = base(r, now_ms);

    *finished += r->finished - from->finished;
    *rejected += r->rejected - from->rejected;
}

double rates_ratio(double rejected, double finished)
{
    if (rejected <= 0) {
        return 0;
    }
    return rejected < finished ? rejected / finished : 1;
}

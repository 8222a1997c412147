#include "common/outage.h"

#include "common/log.h"

void outage_init(struct outage *o, const char *what)
{
    *o = (struct outage){
        .what = what,
        .backoff = { .min_ms = OUTAGE_MIN_MS, .max_ms = OUTAGE_MAX_MS },
    };
}

int outage_failed(struct outage *o, int64_t began_ms, const char *why)
{
    if (o->since_ms == 0) {
        o->since_ms = began_ms;
    }
    o->attempts++;
    if (!o->said && clock_ms() - o->since_ms >= OUTAGE_SAID_MS) {
        o->said = true;
        log_warn("cannot go on, trying again until it works",
                 "what=%s error=%s", o->what, why);
    }
    return backoff_next(&o->backoff);
}

void outage_progress(struct outage *o)
{
    backoff_reset(&o->backoff);
}

void outage_ended(struct outage *o)
{
    if (o->said) {
        log_info("works again", "what=%s attempts=%u after_ms=%lld", o->what,
                 o->attempts, (long long)(clock_ms() - o->since_ms));
    }
    outage_init(o, o->what);
}

bool outage_is_on(const struct outage *o)
{
    return o->said;
}

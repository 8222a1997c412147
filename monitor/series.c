#include "monitor/series.h"

#include "common/metrics.h"

static void family(struct buf *b, const char *name, const char *type,
                   const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* " 2.5\n" */
static void value(struct buf *b, double number)
{
    buf_char(b, ' ');
    health_number(b, number, 6);
    buf_char(b, '\n');
}

static void write_lag(struct buf *b, const struct facts *f,
                      struct health_now now)
{
    family(b, "cdc_monitor_sync_lag_seconds", "gauge",
           "Age of the oldest change of a table that a sink has not "
           "committed, read from the topic");
    for (unsigned t = 0; t < f->lag.count; t++) {
        for (int s = 0; s < SINK_COUNT; s++) {
            const struct lag_topic *topic = &f->lag.topics[t];
            struct lag_sum sum = lag_table(topic, (enum sink)s, now.wall_us);

            if (f->lag.enabled[s] && sum.known) {
                buf_printf(b,
                           "cdc_monitor_sync_lag_seconds{table=\"%s\","
                           "sink=\"%s\"}",
                           topic->table, sink_names[s]);
                value(b, sum.seconds);
            }
        }
    }
    family(b, "cdc_monitor_capture_lag_seconds", "gauge",
           "Age of the oldest row change in the WAL that the producer has "
           "not confirmed");
    buf_lit(b, "cdc_monitor_capture_lag_seconds");
    value(b, health_capture_lag(f, now));
}

static void write_messages(struct buf *b, const struct facts *f)
{
    family(b, "cdc_kafka_consumer_lag_messages", "gauge",
           "Offsets between a group's committed position and the end of the "
           "partition");
    for (unsigned t = 0; t < f->lag.count; t++) {
        const struct lag_topic *topic = &f->lag.topics[t];

        for (unsigned p = 0; p < topic->part_count; p++) {
            for (int s = 0; s < SINK_COUNT; s++) {
                const struct lag_place *place = &topic->parts[p].places[s];

                if (f->lag.enabled[s] && place->since_us >= 0) {
                    buf_printf(b,
                               "cdc_kafka_consumer_lag_messages{"
                               "consumer_group=\"%s-%s\",topic=\"%s\","
                               "partition=\"%u\"} %llu\n",
                               f->name, sink_names[s], topic->name, p,
                               (unsigned long long)place->messages);
                }
            }
        }
    }
}

static void write_heartbeats(struct buf *b, const struct facts *f)
{
    bool any = false;

    for (int s = 0; s < SINK_COUNT; s++) {
        if (f->heartbeat_s[s] <= 0) {
            continue;
        }
        if (!any) {
            family(b, "cdc_heartbeat_last_received_timestamp_seconds", "gauge",
                   "Commit time of the newest heartbeat that came through");
        }
        any = true;
        buf_printf(b,
                   "cdc_heartbeat_last_received_timestamp_seconds{"
                   "consumer_group=\"%s-%s\"}",
                   f->name, sink_names[s]);
        value(b, f->heartbeat_s[s]);
    }
}

static void write_services(struct buf *b, const struct facts *f,
                           struct health_now now)
{
    static const char *const states[] = { "up", "down", "disabled" };

    family(b, "cdc_component_health", "gauge",
           "1 for the state a service is in, 0 for the others");
    for (int i = 0; i < SERVICE_COUNT; i++) {
        bool up = health_up(f, (enum service)i, now);
        int is = !f->services[i].enabled ? 2 : up ? 0 : 1;

        for (int k = 0; k < 3; k++) {
            buf_printf(b,
                       "cdc_component_health{component=\"%s\",status=\"%s\"} "
                       "%d\n",
                       service_names[i], states[k], is == k);
        }
    }
    for (int k = 0; k < 3; k++) {
        buf_printf(b,
                   "cdc_component_health{component=\"redis\",status=\"%s\"} "
                   "%d\n",
                   states[k], strcmp(states[k], health_registry(f)) == 0);
    }
}

static void write_verdict(struct buf *b, const struct facts *f,
                          struct health_now now)
{
    enum health is = health_judge(f, now);

    family(b, "cdc_monitor_status", "gauge",
           "1 for the status of the pipeline, 0 for the others");
    for (int k = HEALTHY; k <= UNHEALTHY; k++) {
        buf_printf(b, "cdc_monitor_status{status=\"%s\"} %d\n",
                   health_name((enum health)k), (int)is == k);
    }
    family(b, "cdc_monitor_error_ratio", "gauge",
           "Events rejected by events finished, over five minutes");
    buf_lit(b, "cdc_monitor_error_ratio");
    value(b, f->error_rate);
    family(b, "cdc_monitor_throughput_events_per_second", "gauge",
           "Events per second of the slowest sink, over five minutes");
    buf_lit(b, "cdc_monitor_throughput_events_per_second");
    value(b, f->throughput);
}

static void write_workers(struct buf *b, const struct facts *f)
{
    family(b, "cdc_monitor_worker_up", "gauge",
           "Whether a worker answers the monitor");
    for (unsigned i = 0; i < f->worker_count; i++) {
        const struct fact_worker *w = &f->workers[i];

        buf_printf(b, "cdc_monitor_worker_up{role=\"%s\",worker=\"%s\"} %d\n",
                   role_names[w->role], w->instance, w->up);
    }
}

static void slot_number(struct buf *b, const struct facts *f, const char *name,
                        const char *help, int64_t number)
{
    family(b, name, "gauge", help);
    buf_printf(b, "%s{slot_name=\"%s\"} %lld\n", name, f->slot_name,
               (long long)number);
}

static void write_slot(struct buf *b, const struct facts *f)
{
    static const char *const states[] = { "reserved", "extended", "unreserved",
                                          "lost" };
    const struct fact_slot *slot = &f->slot;

    if (!slot->known || !slot->exists) {
        return;
    }
    slot_number(b, f, "cdc_replication_slot_active",
                "Whether a producer reads the slot", slot->active);
    slot_number(b, f, "cdc_replication_slot_lag_bytes",
                "WAL behind the confirmed position", slot->unconfirmed_bytes);
    slot_number(b, f, "cdc_replication_slot_retained_bytes",
                "WAL that the server keeps for the slot", slot->retained_bytes);
    if (slot->safe_bytes >= 0) {
        slot_number(b, f, "cdc_replication_slot_safe_wal_bytes",
                    "WAL that may still be written before the slot is lost",
                    slot->safe_bytes);
    }
    family(b, "cdc_replication_slot_wal_status", "gauge",
           "1 for the state of the slot's WAL, 0 for the others");
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        buf_printf(b,
                   "cdc_replication_slot_wal_status{slot_name=\"%s\","
                   "wal_status=\"%s\"} %d\n",
                   f->slot_name, states[i],
                   strcmp(states[i], slot->wal_status) == 0);
    }
}

void series_write(struct buf *b, const struct facts *f, struct health_now now)
{
    write_verdict(b, f, now);
    write_services(b, f, now);
    write_lag(b, f, now);
    write_messages(b, f);
    write_heartbeats(b, f);
    write_slot(b, f);
    write_workers(b, f);
    metrics_write(b, NULL);
}

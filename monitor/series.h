/*
 * series.h - the monitor's own metrics, as Prometheus text.
 *
 * Written from the facts at each scrape rather than kept in metrics.h: most
 * of them come and go with topics and partitions.
 *
 *   cdc_monitor_sync_lag_seconds{table,sink}
 *   cdc_monitor_capture_lag_seconds
 *   cdc_monitor_error_ratio, cdc_monitor_throughput_events_per_second
 *   cdc_monitor_status{status}          one of three is 1
 *   cdc_monitor_worker_up{role,worker}
 *   cdc_component_health{component,status}    up, down or disabled is 1
 *   cdc_heartbeat_last_received_timestamp_seconds{consumer_group}
 *   cdc_kafka_consumer_lag_messages{consumer_group,topic,partition}
 *   cdc_replication_slot_active, _lag_bytes, _retained_bytes,
 *   _safe_wal_bytes {slot_name}, _wal_status{slot_name,wal_status}
 *
 * and those of metrics.h (process_*, cdc_build_info, log lines).
 */
#pragma once

#include "monitor/health.h"

enum { SERIES_BYTES_MAX = 16 << 20 };

/* Under the facts' lock. */
void series_write(struct buf *b, const struct facts *f, struct health_now now);

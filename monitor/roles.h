/*
 * roles.h - who is who in a pipeline: the four services, the two sinks, the
 * three kinds of worker. Names as the API and the metrics show them.
 */
#pragma once

enum service {
    SERVICE_KAFKA,
    SERVICE_CLICKHOUSE,
    SERVICE_ELASTICSEARCH,
    SERVICE_POSTGRES,
    SERVICE_COUNT
};

enum sink { SINK_ES, SINK_CLICKHOUSE, SINK_COUNT };

enum role { ROLE_PRODUCER, ROLE_SINK_ES, ROLE_SINK_CLICKHOUSE, ROLE_COUNT };

/* In the order of the API's `services` (DESIGN 6). */
static const char *const service_names[SERVICE_COUNT] = {
    [SERVICE_KAFKA] = "kafka",
    [SERVICE_CLICKHOUSE] = "clickhouse",
    [SERVICE_ELASTICSEARCH] = "elasticsearch",
    [SERVICE_POSTGRES] = "postgres",
};

/* Suffixes of the consumer groups: "<name>-es". */
static const char *const sink_names[SINK_COUNT] = {
    [SINK_ES] = "es",
    [SINK_CLICKHOUSE] = "clickhouse",
};

static const char *const role_names[ROLE_COUNT] = {
    [ROLE_PRODUCER] = "producer",
    [ROLE_SINK_ES] = "sink-es",
    [ROLE_SINK_CLICKHOUSE] = "sink-clickhouse",
};

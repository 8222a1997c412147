#include "common/sink.h"

/* Each sink has keys of its own, so that one file serves both. */
const struct conf_bind sink_conf_binds[] = {
    { "http.listen", offsetof(struct sink_conf, common.listen) },
    { "sinks.*.batch.max_events", offsetof(struct sink_conf, batch_size) },
    { "sinks.*.batch.max_bytes", offsetof(struct sink_conf, batch_bytes) },
    { "sinks.*.batch.max_delay", offsetof(struct sink_conf, linger_ms) },
    { 0 },
};

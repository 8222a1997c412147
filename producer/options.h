/*
 * options.h - the producer's option table and what it fills.
 */
#pragma once

#include "common/conf.h"

struct options {
    struct conf_common common; /* first: conf.h */
    char *database_url;
    char *tables;
    int polling_ms; /* of catalog and new tables */
    int heartbeat_ms;
    int partitions;
    int replication_factor;
};

extern const struct conf_program options_program;

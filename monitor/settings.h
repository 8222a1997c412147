/*
 * settings.h - the monitor's options (DESIGN 7).
 */
#pragma once

#include "common/conf.h"

struct settings {
    struct conf_common common;
    char *database_url;    /* NULL or "": not set */
    char *clickhouse_host; /* NULL or "": this sink is switched off */
    char *clickhouse_database;
    char *clickhouse_user;
    char *clickhouse_password;
    char *elasticsearch_url; /* NULL or "": this sink is switched off */
    char *elasticsearch_api_key;
    char *workers;
    int polling_ms;
    bool relay_metrics;
    bool json, watch; /* of `status` */
};

/* "run", "check", "status", "healthcheck" and what --help says about them. */
extern const struct conf_program settings_program;

/* Is there a value? */
static inline bool settings_has(const char *value)
{
    return value && value[0];
}

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
    bool json, watch; /* of `status`; `validate` has json */

    /* of `validate` */
    char *table;   /* comma list of globs; NULL or "": all */
    char *sample;  /* percent */
    char *fail_on; /* "fail" or "warning" */
    char *report_dir;
    int fence_ms;

    /* of the check in the background; an interval of 0 switches it off */
    int consistency_ms;
    int consistency_rows_max;
};

/* "run", "check", "status", "validate", "healthcheck" and what --help says about them. */
extern const struct conf_program settings_program;

/* Is there a value? */
static inline bool settings_has(const char *value)
{
    return value && value[0];
}

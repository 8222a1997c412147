/*
 * validatereport.h - what a comparison found, in words: the checks of a
 * report, and the issues of /consistency.
 *
 * PURE.
 */
#pragma once

#include "monitor/report.h"
#include "monitor/validate.h"
#include "monitor/vitals.h"

/* Adds CDC Service Health, Data Consistency, one check per table, Sync Lag,
   Error Rate and Throughput. */
void validatereport_make(struct report *r, const struct validate_result *res,
                         const struct vitals *v, double sample);

/* Appends the members of /consistency behind the timestamp:
   "consistent":true,"issues":[]. Returns whether all is equal. */
bool validatereport_issues(struct buf *b, const struct validate_result *res);

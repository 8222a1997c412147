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
   "consistent":true,"issues":[]. Returns whether all was compared and is
   equal. A table that will be comparable soon (its first copy is under way,
   or nothing of it was captured yet) is an issue too: "not checked yet". */
bool validatereport_issues(struct buf *b, const struct validate_result *res);

/* Does a table differ in a target? */
bool validatereport_differs(const struct validate_result *res);

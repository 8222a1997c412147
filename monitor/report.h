/*
 * report.h - checks with a verdict each, as JSON and as lines for people
 * (ecosystem: the report of `validate`, docs/VALIDATE.md).
 *
 *   {"timestamp":"…","overallStatus":"PASS|WARNING|FAIL",
 *    "checks":[{"name":…,"status":…,"details":…,"expected":…,"actual":…,
 *               "difference":…},…],
 *    "summary":{"totalChecks":…,"passed":…,"failed":…,"warnings":…}}
 *
 * The whole is as good as its worst check.
 *
 * PURE but for report_save.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "common/err.h"

enum report_status { REPORT_PASS, REPORT_WARNING, REPORT_FAIL };

enum { REPORT_BYTES_MAX = 256 << 20 };

struct report_check {
    char *name;
    enum report_status status;
    char *details;
    char *expected, *actual, *difference; /* JSON values */
    char *more; /* further members, `,"a":1`, or NULL */
};

struct report {
    int64_t at_us;
    struct report_check *checks;
    unsigned count, cap;
};

/* Accepts a zeroed one. */
void report_fini(struct report *r);

/* Adds a check: `details` is a text, the others JSON (NULL: null). Copies. */
void report_add(struct report *r, const struct report_check *check);

enum report_status report_overall(const struct report *r);
const char *report_status_name(enum report_status status);

/* Appends the JSON object. */
void report_write(struct buf *b, const struct report *r);

/* Appends one line per check, what failed with its details, and a verdict. */
void report_text(struct buf *b, const struct report *r);

/* Writes `text` to <dir>/data-consistency-<time>.json, whole or not at all;
   makes the folder; appends the path to `ret_path`. ERR_CONFIG when it cannot
   be written. */
int report_save(const char *dir, int64_t at_us, struct str text,
                struct buf *ret_path, struct err *e) MUST_CHECK;

/*
 * status.h - everything the monitor knows, as one JSON object (what the
 * status page shows) and as one screen of text (what `curl` and `cdc-monitor
 * status` show).
 *
 * The JSON begins with the members of /health and goes on with the lag of
 * each table, groups, rates and the time of the start. Worst first: problems
 * stand before figures, tables with the larger lag before the others.
 *
 * PURE: the caller brings the time, and holds the facts' lock.
 */
#pragma once

#include "monitor/health.h"

/* Appends the JSON object. */
void status_write(struct buf *b, const struct facts *f, struct health_now now);

/* Appends lines of plain ASCII, about 80 columns wide. */
void status_text(struct buf *b, const struct facts *f, struct health_now now);

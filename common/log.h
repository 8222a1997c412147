/*
 * log.h - one line per event on stderr: logfmt, or JSON by option.
 *
 *   ts=2026-01-02T03:04:05.678Z level=INFO component=producer
 *       msg="slot created" slot=cdc lsn=0/1A2B3C8
 *
 * The message is fixed lower-case text; what varies goes into fields:
 *
 *   log_info("slot created", "slot=%s lsn=%X/%X", slot, hi, lo);
 *
 * The format is a list of `key=conversion` separated by single spaces; a
 * value may hold anything (it is quoted and its control characters escaped
 * as needed), "" means no fields. Row values are never logged.
 *
 * Thread-safe: a line is one write(2). Lines are counted by level for
 * cdc_log_messages_total.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVEL_COUNT };
enum log_format { LOG_LOGFMT, LOG_JSON };

/* Call once at start. `component` is borrowed for ever. */
void log_init(const char *component, enum log_level min,
              enum log_format format);

/* "debug", "info", "warn", "error" / "logfmt", "json"; false if unknown. */
bool log_level_parse(const char *name, enum log_level *ret_level);
bool log_format_parse(const char *name, enum log_format *ret_format);

void log_line(enum log_level level, const char *msg, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Lines written so far at `level`, also those below the minimum not counted. */
unsigned long log_count(enum log_level level);

#define log_debug(msg, ...) log_line(LOG_DEBUG, msg, __VA_ARGS__)
#define log_info(msg, ...) log_line(LOG_INFO, msg, __VA_ARGS__)
#define log_warn(msg, ...) log_line(LOG_WARN, msg, __VA_ARGS__)
#define log_error(msg, ...) log_line(LOG_ERROR, msg, __VA_ARGS__)

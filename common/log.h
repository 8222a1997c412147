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
 * Repeats are suppressed per call site: a line that says what one of its last
 * lines said, within LOG_WINDOW_MS of the first, is counted instead of
 * written, and so is what comes after LOG_LINES_MAX lines in that time. The
 * site's next line, or the next look at the metrics, tells how many:
 * `suppressed=N`.
 *
 * Thread-safe: a line is one write(2). Messages are counted by level for
 * cdc_log_messages_total, suppressed ones too.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVEL_COUNT };
enum log_format { LOG_LOGFMT, LOG_JSON };

enum {
    LOG_WINDOW_MS = 10 * 1000,
    LOG_LINES_MAX = 100,
    LOG_SITE_TEXTS = 8,
};

/* Call once at start. `component` is borrowed for ever. What was said before
   is forgotten: it went elsewhere. */
void log_init(const char *component, enum log_level min,
              enum log_format format);

/* "debug", "info", "warn", "error" / "logfmt", "json"; false if unknown. */
bool log_level_parse(const char *name, enum log_level *ret_level);
bool log_format_parse(const char *name, enum log_format *ret_format);

/* What is remembered of a call of the macros below; static, zeroed. */
struct log_site {
    int64_t since_ms; /* clock_ms of the window's first line */
    unsigned lines;   /* written in it */
    unsigned suppressed, epoch;
    uint64_t said[LOG_SITE_TEXTS]; /* hashes of texts; 0 = none */
    enum log_level level;
    const char *msg; /* of the last one suppressed */
    struct log_site *next;
    bool listed;
};

void log_site_line(struct log_site *site, enum log_level level, const char *msg,
                   const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Tells of what was suppressed in windows that are over by now. */
void log_tell_suppressed(void);

/* Messages so far at `level`; those below the minimum do not count. */
unsigned long log_count(enum log_level level);

#define log_line(level, msg, ...)                          \
    do {                                                   \
        static struct log_site log_here;                   \
        log_site_line(&log_here, level, msg, __VA_ARGS__); \
    } while (0)

#define log_debug(msg, ...) log_line(LOG_DEBUG, msg, __VA_ARGS__)
#define log_info(msg, ...) log_line(LOG_INFO, msg, __VA_ARGS__)
#define log_warn(msg, ...) log_line(LOG_WARN, msg, __VA_ARGS__)
#define log_error(msg, ...) log_line(LOG_ERROR, msg, __VA_ARGS__)

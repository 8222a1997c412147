#include "monitor/validatecmd.h"

#include <unistd.h>

#include "common/log.h"
#include "monitor/validatereport.h"

enum { LINE_COLUMNS = 78, PATH_BYTES_MAX = 8192 };

/* One line that overwrites itself. */
static void on_progress(void *arg, const char *table, const char *what,
                        uint64_t rows)
{
    char line[200];

    (void)arg;
    if (table && rows > 0) {
        (void)snprintf(line, sizeof(line), "%s: %s, %llu rows", table, what,
                       (unsigned long long)rows);
    } else {
        (void)snprintf(line, sizeof(line), "%s%s%s", table ? table : "",
                       table ? ": " : "", what);
    }
    (void)fprintf(stderr, "\r%-*.*s", LINE_COLUMNS, LINE_COLUMNS, line);
    (void)fflush(stderr);
}

static void progress_end(bool shown)
{
    if (shown) {
        (void)fprintf(stderr, "\r%*s\r", LINE_COLUMNS, "");
        (void)fflush(stderr);
    }
}

static int sample_read(const char *text, double *ret, struct err *e)
{
    char *end = NULL;

    *ret = 0;
    if (!settings_has(text)) {
        return 0;
    }
    *ret = strtod(text, &end);
    if (end == text || (*end && strcmp(end, "%") != 0) || !(*ret > 0) ||
        *ret > 100) {
        return err_set(e, ERR_USAGE,
                       "--sample %s: not a percentage above 0, at most 100",
                       text);
    }
    return 0;
}

static void report_put(const struct settings *s, const struct report *r)
{
    struct buf json, text, path;
    struct err e;

    buf_init(&json, REPORT_BYTES_MAX);
    buf_init(&text, REPORT_BYTES_MAX);
    buf_init(&path, PATH_BYTES_MAX);
    report_write(&json, r);
    buf_char(&json, '\n');
    report_text(&text, r);
    if (s->json) {
        (void)fwrite(buf_z(&json), 1, json.len, stdout);
    } else {
        (void)fwrite(buf_z(&text), 1, text.len, stdout);
    }
    if (settings_has(s->report_dir)) {
        /* the verdict does not hang on a folder that cannot be written */
        if (report_save(s->report_dir, r->at_us, buf_str(&json), &path, &e) <
            0) {
            log_warn("report not saved", "error=%s", e.text);
        } else if (!s->json) {
            (void)printf("report: %s\n", buf_z(&path));
        }
    }
    (void)fflush(stdout);
    buf_fini(&json);
    buf_fini(&text);
    buf_fini(&path);
}

static int verdict(const struct settings *s, const struct report *r,
                   struct err *e)
{
    enum report_status overall = report_overall(r);
    bool strict = s->fail_on && strcmp(s->fail_on, "warning") == 0;

    if (overall == REPORT_FAIL || (strict && overall == REPORT_WARNING)) {
        return err_set(e, ERR_FATAL, "validation: %s",
                       report_status_name(overall));
    }
    return 0;
}

int validatecmd(const struct settings *s, struct err *e)
{
    struct validate_options options = { .tables = s->table,
                                        .fence_ms = s->fence_ms };
    struct validate_result result = { 0 };
    struct vitals_taker *taker = NULL;
    struct vitals vitals = { 0 };
    struct validate *v = NULL;
    struct report report = { 0 };
    bool shown = isatty(STDERR_FILENO) == 1;
    int rc = -1;

    options.progress = shown ? on_progress : NULL;
    if (sample_read(s->sample, &options.sample, e) < 0 ||
        validate_open(&v, s, e) < 0 || vitals_begin(&taker, s, e) < 0) {
        goto out;
    }
    rc = validate_run(v, &options, &result, e);
    progress_end(shown);
    vitals_end(taker, &vitals);
out:
    if (rc == 0) {
        validatereport_make(&report, &result, &vitals, options.sample);
        report_put(s, &report);
        rc = verdict(s, &report, e);
    } else if (e->kind == ERR_FATAL || e->kind == ERR_INPUT) {
        e->kind = ERR_RETRY; /* exit 1 says that the targets differ */
    }
    report_fini(&report);
    validate_result_fini(&result);
    validate_close(v);
    return rc;
}

#include "common/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/procstat.h"
#include "common/version.h"

/* ecosystem.md 3.2: the alerts' limits, 60 and 300, are exact bounds. */
static const double bounds[] = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1,     2,      2.5,   5,    10,    30,   60,  300,
};

/* Of counts: a batch has up to 50,000 events (sink.h). */
static const double count_bounds[] = {
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4,
};

struct metric {
    struct metric *next;
    struct metric_family *family;
    uint32_t hash; /* of the values, so that a search compares few texts */
    char *values[METRIC_LABELS_MAX];
    _Atomic double value;   /* histogram: the sum */
    atomic_ullong bucket[]; /* histogram: one more than bounds, not cumulated */
};

struct metric_family {
    struct metric_family *next;
    enum metric_kind kind;
    const char *name, *help;
    struct str labels[METRIC_LABELS_MAX];
    unsigned label_count;
    const double *bounds; /* histogram */
    unsigned bound_count;
    struct metric *first, *last; /* in the order of their making */
};

/* Guards the lists; a series' numbers need no lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric_family *first_family, *last_family;
static char component_label[128];

/* --- Declaring ----------------------------------------------------------- */

static struct metric_family *family_find(const char *name)
{
    struct metric_family *f = first_family;

    while (f && strcmp(f->name, name) != 0) {
        f = f->next;
    }
    return f;
}

static struct metric_family *family_make(enum metric_kind kind,
                                         const char *name, const char *labels,
                                         const char *help)
{
    struct metric_family *f = xcalloc(1, sizeof(*f));

    *f = (struct metric_family){ .kind = kind,
                                 .name = name,
                                 .help = help,
                                 .bounds = bounds,
                                 .bound_count = COUNT_OF(bounds) };
    while (*labels) {
        size_t len = strcspn(labels, ",");

        CHECK(f->label_count < METRIC_LABELS_MAX && len > 0);
        f->labels[f->label_count++] = (struct str){ labels, len };
        labels += len + (labels[len] == ',');
    }
    if (last_family) {
        last_family->next = f;
    } else {
        first_family = f;
    }
    last_family = f;
    return f;
}

struct metric_family *metric_family(enum metric_kind kind, const char *name,
                                    const char *labels, const char *help)
{
    struct metric_family *f;

    (void)pthread_mutex_lock(&lock);
    f = family_find(name);
    if (!f) {
        f = family_make(kind, name, labels, help);
    }
    (void)pthread_mutex_unlock(&lock);
    CHECK(f->kind == kind);
    return f;
}

struct metric_family *metric_family_counts(const char *name, const char *labels,
                                           const char *help)
{
    struct metric_family *f =
        metric_family(METRIC_HISTOGRAM, name, labels, help);

    if (f->bounds != count_bounds) {
        CHECK(!f->first); /* series have their buckets already */
        f->bounds = count_bounds;
        f->bound_count = COUNT_OF(count_bounds);
    }
    return f;
}

/* FNV-1a, with a separator that no label value ends in. */
static uint32_t values_hash(const struct metric_family *f,
                            const char *const *values)
{
    uint32_t hash = 2166136261U;

    for (unsigned i = 0; i < f->label_count; i++) {
        for (const char *p = values[i]; *p; p++) {
            hash = (hash ^ (unsigned char)*p) * 16777619U;
        }
        hash = (hash ^ 0xff) * 16777619U;
    }
    return hash;
}

static bool values_equal(const struct metric *m, const char *const *values)
{
    for (unsigned i = 0; i < m->family->label_count; i++) {
        if (strcmp(m->values[i], values[i]) != 0) {
            return false;
        }
    }
    return true;
}

static struct metric *metric_make(struct metric_family *f, uint32_t hash,
                                  const char *const *values)
{
    size_t buckets = f->kind == METRIC_HISTOGRAM ? f->bound_count + 1 : 0;
    struct metric *m = xcalloc(1, sizeof(*m) + buckets * sizeof(m->bucket[0]));

    m->family = f;
    m->hash = hash;
    for (unsigned i = 0; i < f->label_count; i++) {
        m->values[i] = xstrdup(values[i]);
    }
    if (f->last) {
        f->last->next = m;
    } else {
        f->first = m;
    }
    f->last = m;
    return m;
}

struct metric *metric_get(struct metric_family *f, const char *const *values)
{
    uint32_t hash = values_hash(f, values);
    struct metric *m;

    (void)pthread_mutex_lock(&lock);
    m = f->first;
    while (m && (m->hash != hash || !values_equal(m, values))) {
        m = m->next;
    }
    if (!m) {
        m = metric_make(f, hash, values);
    }
    (void)pthread_mutex_unlock(&lock);
    return m;
}

/* --- Counting ------------------------------------------------------------ */

static void value_add(struct metric *m, double delta)
{
    double old = atomic_load_explicit(&m->value, memory_order_relaxed);

    while (!atomic_compare_exchange_weak_explicit(&m->value, &old, old + delta,
                                                  memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

void metric_add(struct metric *m, double delta)
{
    CHECK(m->family->kind != METRIC_HISTOGRAM);
    value_add(m, delta);
}

void metric_set(struct metric *m, double value)
{
    CHECK(m->family->kind == METRIC_GAUGE);
    atomic_store_explicit(&m->value, value, memory_order_relaxed);
}

void metric_total(struct metric *m, double total)
{
    CHECK(m->family->kind == METRIC_COUNTER);
    atomic_store_explicit(&m->value, total, memory_order_relaxed);
}

void metric_observe_n(struct metric *m, double value, uint64_t count)
{
    const struct metric_family *f = m->family;
    unsigned i = 0;

    CHECK(f->kind == METRIC_HISTOGRAM);
    while (i < f->bound_count &&
           !(value <= f->bounds[i])) { /* NaN: above all */
        i++;
    }
    atomic_fetch_add_explicit(&m->bucket[i], count, memory_order_relaxed);
    value_add(m, value * (double)count);
}

void metric_observe(struct metric *m, double value)
{
    metric_observe_n(m, value, 1);
}

double metric_value(const struct metric *m)
{
    return atomic_load_explicit(&m->value, memory_order_relaxed);
}

struct metric_time metric_time(const char *name, const char *help)
{
    return (struct metric_time){ metric_family(METRIC_GAUGE, name, "", help),
                                 NULL };
}

void metric_time_raise(struct metric_time *t, int64_t wall_us)
{
    double seconds = (double)wall_us / 1e6;

    if (!t->series) {
        t->series = metric_get(t->family, NULL);
    }
    if (seconds > metric_value(t->series)) {
        metric_set(t->series, seconds);
    }
}

double metrics_sum(const char *name)
{
    const struct metric_family *f;
    double sum = 0;

    (void)pthread_mutex_lock(&lock);
    f = family_find(name);
    for (const struct metric *m = f ? f->first : NULL; m; m = m->next) {
        sum += metric_value(m);
    }
    (void)pthread_mutex_unlock(&lock);
    return sum;
}

double metrics_max(const char *name)
{
    const struct metric_family *f;
    double max = 0;

    (void)pthread_mutex_lock(&lock);
    f = family_find(name);
    for (const struct metric *m = f ? f->first : NULL; m; m = m->next) {
        max = fmax(max, metric_value(m));
    }
    (void)pthread_mutex_unlock(&lock);
    return max;
}

/* --- Writing ------------------------------------------------------------- */

/* The shortest decimal that reads back the same; integers plain. */
static void number_write(struct buf *b, double n)
{
    char text[40];

    if (isnan(n)) {
        buf_lit(b, "NaN");
    } else if (isinf(n)) {
        buf_str_add(b, n > 0 ? STR("+Inf") : STR("-Inf"));
    } else if (n == floor(n) && fabs(n) < 1e15) {
        buf_printf(b, "%.0f", n);
    } else {
        (void)snprintf(text, sizeof(text), "%.15g", n);
        if (strtod(text, NULL) != n) {
            (void)snprintf(text, sizeof(text), "%.17g", n);
        }
        buf_str_add(b, str_of(text));
    }
}

static void label_write(struct buf *b, struct str name, const char *value)
{
    buf_str_add(b, name);
    buf_lit(b, "=\"");
    for (const char *p = value; *p; p++) {
        if (*p == '\n') {
            buf_lit(b, "\\n");
        } else {
            if (*p == '"' || *p == '\\') {
                buf_char(b, '\\');
            }
            buf_char(b, *p);
        }
    }
    buf_char(b, '"');
}

/* Does the family have the label that `extra` ("name=…") would add? */
static bool has_label(const struct metric_family *f, const char *extra)
{
    struct str name = { extra, strcspn(extra, "=") };

    for (unsigned i = 0; i < f->label_count; i++) {
        if (str_eq(f->labels[i], name)) {
            return true;
        }
    }
    return false;
}

/* "name_suffix{labels,le=…} "; `le` is NULL outside of histogram buckets. */
static void series_write(struct buf *b, const struct metric *m,
                         const char *suffix, const char *le, const char *extra)
{
    const struct metric_family *f = m->family;
    const char *separator = "{";

    buf_str_add(b, str_of(f->name));
    buf_str_add(b, str_of(suffix));
    for (unsigned i = 0; i < f->label_count; i++, separator = ",") {
        buf_str_add(b, str_of(separator));
        label_write(b, f->labels[i], m->values[i]);
    }
    if (extra && !has_label(f, extra)) {
        buf_str_add(b, str_of(separator));
        buf_str_add(b, str_of(extra));
        separator = ",";
    }
    if (le) {
        buf_str_add(b, str_of(separator));
        label_write(b, STR("le"), le);
        separator = ",";
    }
    buf_str_add(b, *separator == ',' ? STR("} ") : STR(" "));
}

static void histogram_write(struct buf *b, const struct metric *m,
                            const char *extra)
{
    const struct metric_family *f = m->family;
    unsigned long long total = 0;
    char le[40];

    for (unsigned i = 0; i <= f->bound_count; i++) {
        total += atomic_load_explicit(&m->bucket[i], memory_order_relaxed);
        (void)snprintf(le, sizeof(le), "%g",
                       i < f->bound_count ? f->bounds[i] : 0);
        series_write(b, m, "_bucket", i < f->bound_count ? le : "+Inf", extra);
        buf_printf(b, "%llu\n", total);
    }
    series_write(b, m, "_sum", NULL, extra);
    number_write(b, metric_value(m));
    buf_char(b, '\n');
    series_write(b, m, "_count", NULL, extra);
    buf_printf(b, "%llu\n", total);
}

static void family_head_write(struct buf *b, const struct metric_family *f)
{
    static const char *const kinds[] = { "counter", "gauge", "histogram" };

    buf_printf(b, "# HELP %s ", f->name);
    for (const char *p = f->help; *p; p++) {
        if (*p == '\n') {
            buf_lit(b, "\\n");
        } else {
            if (*p == '\\') {
                buf_char(b, '\\');
            }
            buf_char(b, *p);
        }
    }
    buf_printf(b, "\n# TYPE %s %s\n", f->name, kinds[f->kind]);
}

static void family_write(struct buf *b, const struct metric_family *f,
                         const char *extra)
{
    if (!f->first) {
        return; /* a head alone says nothing */
    }
    family_head_write(b, f);
    for (const struct metric *m = f->first; m; m = m->next) {
        if (f->kind == METRIC_HISTOGRAM) {
            histogram_write(b, m, extra);
        } else {
            series_write(b, m, "", NULL, extra);
            number_write(b, metric_value(m));
            buf_char(b, '\n');
        }
    }
}

/* --- The process itself -------------------------------------------------- */

static struct metric *single(enum metric_kind kind, const char *name,
                             const char *help)
{
    return metric_get(metric_family(kind, name, "", help), NULL);
}

static void process_update(void)
{
    static const char *const levels[] = { "debug", "info", "warn", "error" };
    struct procstat process = procstat_read();
    struct metric_family *lines =
        metric_family(METRIC_COUNTER, "cdc_log_messages_total", "level",
                      "Log messages by level, suppressed repeats included");

    log_tell_suppressed(); /* whoever looks at the metrics sees to it */
    for (unsigned i = 0; i < LOG_LEVEL_COUNT; i++) {
        metric_total(metric_get(lines, &levels[i]),
                     (double)log_count((enum log_level)i));
    }
    metric_total(single(METRIC_COUNTER, "process_cpu_seconds_total",
                        "User and system CPU time spent in seconds"),
                 process.cpu_seconds);
    metric_set(single(METRIC_GAUGE, "process_resident_memory_bytes",
                      "Resident memory size in bytes"),
               process.resident_bytes);
    metric_set(single(METRIC_GAUGE, "process_virtual_memory_bytes",
                      "Virtual memory size in bytes"),
               process.virtual_bytes);
    metric_set(single(METRIC_GAUGE, "process_open_fds",
                      "Number of open file descriptors"),
               process.open_fds);
    metric_set(single(METRIC_GAUGE, "process_max_fds",
                      "Maximum number of open file descriptors"),
               process.max_fds);
}

void metrics_init(const char *component)
{
    const char *const values[] = { version_text, version_revision, component };
    struct buf b;

    buf_init(&b, sizeof(component_label) - 1);
    label_write(&b, STR("component"), component);
    CHECK(buf_ok(&b));
    memcpy(component_label, buf_z(&b), b.len + 1);
    buf_fini(&b);
    metric_set(metric_get(metric_family(METRIC_GAUGE, "cdc_build_info",
                                        "version,revision,component",
                                        "Version of the program; always 1"),
                          values),
               1);
    metric_set(single(METRIC_GAUGE, "process_start_time_seconds",
                      "Start of the process in seconds since 1970"),
               (double)clock_wall_us() / 1e6);
    process_update();
}

const char *metrics_component(void)
{
    return component_label[0] ? component_label : NULL;
}

void metrics_write(struct buf *b, const char *extra_label)
{
    process_update();
    (void)pthread_mutex_lock(&lock);
    for (const struct metric_family *f = first_family; f; f = f->next) {
        family_write(b, f, extra_label);
    }
    (void)pthread_mutex_unlock(&lock);
}

#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"

enum {
    FMT_BYTES_MAX = 512,         /* of a format: ours, so bounded */
    VALUES_BYTES_MAX = 8 * 1024, /* of all values of a line; cut behind */
    LINE_BYTES_MAX = 64 * 1024,  /* all of them escaped */
    WRITE_WAIT_MS = 1000,        /* for a stderr that does not drain */
};

static const char *log_component;
static enum log_level log_min = LOG_INFO;
static enum log_format log_as = LOG_LOGFMT;
static atomic_ulong log_counts[LOG_LEVEL_COUNT];
static atomic_uint log_epoch; /* of log_init */

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static const char *const level_tags[] = { "DEBUG", "INFO", "WARN", "ERROR" };

void log_init(const char *component, enum log_level min, enum log_format format)
{
    log_component = component;
    log_min = min;
    log_as = format;
    atomic_fetch_add(&log_epoch, 1);
}

bool log_level_parse(const char *name, enum log_level *ret_level)
{
    for (unsigned i = 0; i < LOG_LEVEL_COUNT; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_format_parse(const char *name, enum log_format *ret_format)
{
    bool json = strcmp(name, "json") == 0;

    if (!json && strcmp(name, "logfmt") != 0) {
        return false;
    }
    *ret_format = json ? LOG_JSON : LOG_LOGFMT;
    return true;
}

unsigned long log_count(enum log_level level)
{
    return atomic_load_explicit(&log_counts[level], memory_order_relaxed);
}

/* How many bytes of `s` from `at` make one printable character; 0 for a
   control (C0, DEL, or the C1 set that terminals obey) or a byte that is no
   UTF-8. Accepts a few overlong forms, which do no harm in a log. */
static unsigned printable_length(struct str s, size_t at)
{
    unsigned char c = (unsigned char)s.p[at];
    unsigned length = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    if (c < 0x20 || c == 0x7f || (c >= 0x80 && c < 0xc2) || c > 0xf4 ||
        s.len - at < length) {
        return 0;
    }
    for (unsigned i = 1; i < length; i++) {
        if (((unsigned char)s.p[at + i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return c == 0xc2 && (unsigned char)s.p[at + 1] < 0xa0 ? 0 : length;
}

/* Quoted; the escapes are JSON's, which logfmt readers know too. */
static void quoted_add(struct buf *b, struct str s)
{
    buf_char(b, '"');
    for (size_t i = 0; i < s.len;) {
        unsigned length = printable_length(s, i);
        char c = s.p[i];

        if (c == '"' || c == '\\') {
            buf_char(b, '\\');
            buf_char(b, c);
        } else if (length > 0) {
            buf_add(b, s.p + i, length);
        } else if (c == '\n') {
            buf_lit(b, "\\n");
        } else {
            buf_printf(b, "\\u%04X", (unsigned)(unsigned char)c);
        }
        i += length > 0 ? length : 1;
    }
    buf_char(b, '"');
}

static bool needs_quotes(struct str s)
{
    for (size_t i = 0; i < s.len;) {
        unsigned length = printable_length(s, i);
        char c = s.p[i];

        if (length == 0 || c == ' ' || c == '"' || c == '=' || c == '\\') {
            return true;
        }
        i += length;
    }
    return s.len == 0;
}

/* One `key=value` or `"key":value`, with its separator. */
static void field_add(struct buf *b, struct str key, struct str value,
                      bool number)
{
    if (log_as == LOG_JSON) {
        json_member(b, key);
        if (number && json_is_number(value)) {
            buf_str_add(b, value);
        } else {
            quoted_add(b, value);
        }
        return;
    }
    if (b->len > 0) {
        buf_char(b, ' ');
    }
    buf_str_add(b, key);
    buf_char(b, '=');
    if (needs_quotes(value)) {
        quoted_add(b, value);
    } else {
        buf_str_add(b, value);
    }
}

/* The length of what the first `fmt_len` bytes of `fmt` print. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static size_t prefix_length(const char *fmt, size_t fmt_len, va_list args)
{
    char prefix[FMT_BYTES_MAX];
    va_list again;
    int len;

    CHECK(fmt_len < sizeof(prefix));
    memcpy(prefix, fmt, fmt_len);
    prefix[fmt_len] = '\0';
    va_copy(again, args);
    len = vsnprintf(NULL, 0, prefix, again);
    va_end(again);
    return len < 0 ? 0 : (size_t)len;
}
#pragma GCC diagnostic pop

/* Is a field's format one conversion that prints a number? */
static bool prints_number(const char *conversion, size_t len)
{
    return len >= 2 && conversion[0] == '%' &&
           strchr("diufg", conversion[len - 1]) &&
           !memchr(conversion + 1, '%', len - 1);
}

/* Prints the format once as a whole and finds where each field's value
   stands in it by the printed length of the format up to there: so a value
   can hold spaces, quotes or what looks like another field. */
PRINTF_LIKE(2, 0)
static void fields_add(struct buf *b, const char *fmt, va_list args)
{
    char text[VALUES_BYTES_MAX];
    va_list again;
    const char *at = fmt;

    va_copy(again, args);
    (void)vsnprintf(text, sizeof(text), fmt, again);
    va_end(again);
    while (*at) {
        const char *next = at + strcspn(at, " ");
        const char *equals = memchr(at, '=', (size_t)(next - at));
        /* a slip in a format (no key) must not cost a line, or more */
        struct str key =
            equals ? (struct str){ at, (size_t)(equals - at) } : STR("text");
        const char *value = equals ? equals + 1 : at;
        size_t from = prefix_length(fmt, (size_t)(value - fmt), args);
        size_t to = prefix_length(fmt, (size_t)(next - fmt), args);
        size_t limit = strlen(text);

        from = from < limit ? from : limit;
        to = to < limit ? to : limit;
        field_add(b, key, (struct str){ text + from, to - from },
                  prints_number(value, (size_t)(next - value)));
        at = next + (*next == ' ');
    }
}

/* One write(2) per line, so that lines of several threads do not mix. What
   cannot be written is lost: a log never stops or delays the pipeline for
   long. */
static void line_write(struct str line)
{
    while (line.len > 0) {
        ssize_t n = write(STDERR_FILENO, line.p, line.len);

        if (n > 0) {
            line.p += n;
            line.len -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };

            if (poll(&pfd, 1, WRITE_WAIT_MS) <= 0) {
                return;
            }
        } else if (n == 0 || errno != EINTR) {
            return;
        }
    }
}

/* --- Repeats ------------------------------------------------------------- */

static pthread_mutex_t sites_lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_site *sites; /* with something suppressed */

PRINTF_LIKE(2, 0)
static uint64_t text_hash(const char *msg, const char *fmt, va_list args)
{
    char text[VALUES_BYTES_MAX];
    uint64_t hash = 14695981039346656037U; /* FNV-1a */
    va_list again;

    va_copy(again, args);
    (void)vsnprintf(text, sizeof(text), fmt, again);
    va_end(again);
    for (const char *p = msg; *p; p++) {
        hash = (hash ^ (unsigned char)*p) * 1099511628211U;
    }
    for (const char *p = text; *p; p++) {
        hash = (hash ^ (unsigned char)*p) * 1099511628211U;
    }
    return hash ? hash : 1;
}

static bool said_before(const struct log_site *site, uint64_t hash)
{
    for (unsigned i = 0; i < LOG_SITE_TEXTS; i++) {
        if (site->said[i] == hash) {
            return true;
        }
    }
    return false;
}

/* Under the lock. */
static void site_suppress(struct log_site *site, enum log_level level,
                          const char *msg)
{
    site->suppressed++;
    site->level = level;
    site->msg = msg;
    if (!site->listed) {
        site->listed = true;
        site->next = sites;
        sites = site;
    }
}

/* A new window. Returns what the last one suppressed. Under the lock. */
static unsigned site_begin(struct log_site *site, int64_t now_ms)
{
    unsigned suppressed = site->suppressed;

    site->since_ms = now_ms;
    site->lines = site->suppressed = 0;
    memset(site->said, 0, sizeof(site->said));
    return suppressed;
}

/* May the site write this line? `*ret_suppressed`: it tells of so many. */
static bool site_allows(struct log_site *site, enum log_level level,
                        const char *msg, uint64_t hash,
                        unsigned *ret_suppressed)
{
    int64_t now_ms = clock_ms();
    unsigned epoch = atomic_load(&log_epoch);
    bool allowed = true;

    *ret_suppressed = 0;
    (void)pthread_mutex_lock(&sites_lock);
    if (site->epoch != epoch) {
        (void)site_begin(site, now_ms);
        site->epoch = epoch;
    }
    if (site->since_ms == 0 || now_ms - site->since_ms >= LOG_WINDOW_MS) {
        *ret_suppressed = site_begin(site, now_ms);
    }
    if (site->lines >= LOG_LINES_MAX || said_before(site, hash)) {
        site_suppress(site, level, msg);
        allowed = false;
    } else {
        site->said[site->lines++ % LOG_SITE_TEXTS] = hash;
    }
    (void)pthread_mutex_unlock(&sites_lock);
    return allowed;
}

/* --- Lines --------------------------------------------------------------- */

/* `args` may be NULL: there are no fields. */
PRINTF_LIKE(4, 0)
static void line_make(enum log_level level, const char *msg,
                      unsigned suppressed, const char *fmt, va_list *args)
{
    struct buf b, ts;
    char number[16];

    buf_init(&b, LINE_BYTES_MAX);
    buf_init(&ts, 64);
    clock_rfc3339(&ts, clock_wall_us());
    if (log_as == LOG_JSON) {
        buf_char(&b, '{');
    }
    field_add(&b, STR("ts"), buf_str(&ts), false);
    field_add(&b, STR("level"), str_of(level_tags[level]), false);
    if (log_component) {
        field_add(&b, STR("component"), str_of(log_component), false);
    }
    field_add(&b, STR("msg"), str_of(msg), false);
    if (args) {
        fields_add(&b, fmt, *args);
    }
    if (suppressed > 0) {
        (void)snprintf(number, sizeof(number), "%u", suppressed);
        field_add(&b, STR("suppressed"), str_of(number), true);
    }
    if (log_as == LOG_JSON) {
        buf_char(&b, '}');
    }
    buf_char(&b, '\n');
    line_write(buf_str(&b));
    buf_fini(&ts);
    buf_fini(&b);
}

void log_site_line(struct log_site *site, enum log_level level, const char *msg,
                   const char *fmt, ...)
{
    int saved = errno;
    unsigned suppressed;
    uint64_t hash;
    va_list args;

    if (level < log_min) {
        return;
    }
    atomic_fetch_add_explicit(&log_counts[level], 1, memory_order_relaxed);
    va_start(args, fmt);
    hash = text_hash(msg, fmt, args);
    if (site_allows(site, level, msg, hash, &suppressed)) {
        line_make(level, msg, suppressed, fmt, &args);
    }
    va_end(args);
    errno = saved;
}

/* Takes one site off the list whose window is over; NULL: none is. */
static struct log_site *site_over(unsigned *ret_suppressed)
{
    int64_t now_ms = clock_ms();
    struct log_site *found = NULL;

    (void)pthread_mutex_lock(&sites_lock);
    for (struct log_site **at = &sites; *at && !found;) {
        if (now_ms - (*at)->since_ms >= LOG_WINDOW_MS) {
            found = *at;
            *at = found->next;
            found->listed = false;
            *ret_suppressed = site_begin(found, now_ms);
            found->since_ms = 0;
        } else {
            at = &(*at)->next;
        }
    }
    (void)pthread_mutex_unlock(&sites_lock);
    return found;
}

void log_tell_suppressed(void)
{
    struct log_site *site;
    unsigned suppressed = 0;

    while ((site = site_over(&suppressed)) != NULL) {
        if (suppressed > 0) { /* else its next line has told it */
            line_make(site->level, site->msg, suppressed, "", NULL);
        }
    }
}

#include "monitor/report.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/json.h"

enum { PATH_BYTES_MAX = 4096, DETAILS_SHOWN = 2000 };

static char *copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

void report_fini(struct report *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        struct report_check *c = &r->checks[i];

        xfree(c->name);
        xfree(c->details);
        xfree(c->expected);
        xfree(c->actual);
        xfree(c->difference);
        xfree(c->more);
    }
    xfree(r->checks);
    *r = (struct report){ 0 };
}

void report_add(struct report *r, const struct report_check *check)
{
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 16;
        r->checks = xrealloc(r->checks, r->cap, sizeof(*r->checks));
    }
    r->checks[r->count++] = (struct report_check){
        .name = xstrdup(check->name),
        .status = check->status,
        .details = xstrdup(check->details ? check->details : ""),
        .expected = copy(check->expected),
        .actual = copy(check->actual),
        .difference = copy(check->difference),
        .more = copy(check->more),
    };
}

enum report_status report_overall(const struct report *r)
{
    enum report_status worst = REPORT_PASS;

    for (unsigned i = 0; i < r->count; i++) {
        worst = r->checks[i].status > worst ? r->checks[i].status : worst;
    }
    return worst;
}

const char *report_status_name(enum report_status status)
{
    static const char *const names[] = { "PASS", "WARNING", "FAIL" };

    return names[status];
}

static unsigned count_of(const struct report *r, enum report_status status)
{
    unsigned count = 0;

    for (unsigned i = 0; i < r->count; i++) {
        count += r->checks[i].status == status;
    }
    return count;
}

static void member_raw(struct buf *b, const char *name, const char *json)
{
    json_member(b, str_of(name));
    buf_str_add(b, json ? str_of(json) : STR("null"));
}

static void check_write(struct buf *b, const struct report_check *c)
{
    buf_char(b, '{');
    json_member_string(b, "name", str_of(c->name));
    json_member_string(b, "status", str_of(report_status_name(c->status)));
    json_member_string(b, "details", str_of(c->details));
    member_raw(b, "expected", c->expected);
    member_raw(b, "actual", c->actual);
    member_raw(b, "difference", c->difference);
    if (c->more) {
        buf_str_add(b, str_of(c->more));
    }
    buf_char(b, '}');
}

void report_write(struct buf *b, const struct report *r)
{
    buf_lit(b, "{\"timestamp\":\"");
    clock_rfc3339(b, r->at_us);
    buf_char(b, '"');
    json_member_string(b, "overallStatus",
                       str_of(report_status_name(report_overall(r))));
    json_member(b, STR("checks"));
    buf_char(b, '[');
    for (unsigned i = 0; i < r->count; i++) {
        if (i > 0) {
            buf_char(b, ',');
        }
        check_write(b, &r->checks[i]);
    }
    buf_lit(b, "],\"summary\":{");
    json_member_u64(b, "totalChecks", r->count);
    json_member_u64(b, "passed", count_of(r, REPORT_PASS));
    json_member_u64(b, "failed", count_of(r, REPORT_FAIL));
    json_member_u64(b, "warnings", count_of(r, REPORT_WARNING));
    buf_lit(b, "}}");
}

/* Texts of others on a terminal: no control characters. */
static void plain(struct buf *b, struct str s)
{
    bool cut = s.len > DETAILS_SHOWN;

    s.len = cut ? DETAILS_SHOWN : s.len;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        buf_char(b, c < 0x20 || c == 0x7f ? '?' : s.p[i]);
    }
    if (cut) {
        buf_lit(b, "...");
    }
}

void report_text(struct buf *b, const struct report *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        const struct report_check *c = &r->checks[i];

        buf_printf(b, "%-8s", report_status_name(c->status));
        plain(b, str_of(c->name));
        if (c->details[0]) {
            buf_lit(b, ": ");
            plain(b, str_of(c->details));
        }
        buf_char(b, '\n');
    }
    buf_printf(b, "%s: %u checks, %u passed, %u failed, %u warnings\n",
               report_status_name(report_overall(r)), r->count,
               count_of(r, REPORT_PASS), count_of(r, REPORT_FAIL),
               count_of(r, REPORT_WARNING));
}

/* ---- the file ----------------------------------------------------------- */

/* mkdir -p */
static int folder_make(const char *dir, struct err *e)
{
    char *path = xstrdup(dir);
    int rc = 0;

    for (char *p = path + 1; rc == 0; p++) {
        char c = *p;

        if (c != '/' && c != '\0') {
            continue;
        }
        *p = '\0';
        if (mkdir(path, 0777) < 0 && errno != EEXIST) {
            rc = err_set(e, ERR_CONFIG, "cannot make the folder %s: %s", path,
                         strerror(errno));
        }
        *p = c;
        if (c == '\0') {
            break;
        }
    }
    xfree(path);
    return rc;
}

static int file_write(const char *path, struct str text, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    size_t done = 0;
    ssize_t n = 0;

    if (fd < 0) {
        return err_set(e, ERR_CONFIG, "cannot write %s: %s", path,
                       strerror(errno));
    }
    while (done < text.len && n >= 0) {
        n = write(fd, text.p + done, text.len - done);
        done += n > 0 ? (size_t)n : 0;
    }
    if (close(fd) < 0 || n < 0) {
        (void)unlink(path);
        return err_set(e, ERR_CONFIG, "cannot write %s: %s", path,
                       strerror(errno));
    }
    return 0;
}

int report_save(const char *dir, int64_t at_us, struct str text,
                struct buf *ret_path, struct err *e)
{
    struct buf path, part;
    int rc = -1;

    buf_init(&path, PATH_BYTES_MAX);
    buf_init(&part, PATH_BYTES_MAX);
    buf_printf(&path, "%s/data-consistency-", dir);
    clock_rfc3339(&path, at_us);
    for (size_t i = strlen(dir); i < path.len; i++) {
        if (path.p[i] == ':') {
            path.p[i] = '-';
        }
    }
    buf_lit(&path, ".json");
    buf_printf(&part, "%s.part", buf_z(&path));
    if (dir[0] && !buf_ok(&part)) {
        (void)err_set(e, ERR_CONFIG, "the folder's name is too long");
    } else if (folder_make(dir[0] ? dir : ".", e) == 0 &&
               file_write(buf_z(&part), text, e) == 0) {
        rc = rename(buf_z(&part), buf_z(&path));
        if (rc < 0) {
            (void)err_set(e, ERR_CONFIG, "cannot write %s: %s", buf_z(&path),
                          strerror(errno));
        }
    }
    buf_str_add(ret_path, buf_str(&path));
    buf_fini(&path);
    buf_fini(&part);
    return rc;
}

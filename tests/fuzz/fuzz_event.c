/* links: cdc_event */
/*
 * Any record as an event: the first line is the key, the rest the value; no
 * line break means a tombstone. What is accepted must keep its promises, and
 * must be read the same again after our writer wrote it.
 */
#include "common/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void row_check(struct str row, struct str value)
{
    if (row.p) {
        CHECK(row.p >= value.p && row.p + row.len <= value.p + value.len);
        CHECK(row.len >= 2 && row.p[0] == '{' && row.p[row.len - 1] == '}');
    }
}

static void view_check(const struct event_view *view, struct str key,
                       struct str value)
{
    CHECK(strchr("rcudts", (char)view->op) != NULL);
    CHECK(view->row_version <= INT64_MAX);
    CHECK(str_eq(view->key, key));
    row_check(view->before, value);
    row_check(view->after, value);
    if (view->op == EVENT_READ || view->op == EVENT_CREATE ||
        view->op == EVENT_UPDATE) {
        CHECK(view->after.p != NULL);
    }
}

static void again_check(const struct event_view *view)
{
    struct event_table table;
    struct event ev = {
        .op = view->op,
        .before = view->before,
        .after = view->after,
        .snapshot = view->copied ? STR("first") : STR("false"),
        .commit_us = view->commit_us,
        .row_version = view->row_version,
    };
    struct event_view again;
    struct buf b;
    struct err e;

    event_table_init(&table, STR("cdc"), STR("d"), STR("s"), STR("t"));
    buf_init(&b, 1 << 20);
    event_write(&b, &table, &ev);
    CHECK(buf_ok(&b));
    CHECK(event_read(view->key, buf_str(&b), &again, &e) == 0);
    CHECK(again.op == view->op && again.copied == view->copied);
    CHECK(again.row_version == view->row_version);
    CHECK(again.commit_us == (view->commit_us < 0 ? 0 : view->commit_us));
    CHECK(str_eq(again.after, view->after));
    CHECK(str_eq(again.before, view->before));
    buf_fini(&b);
    event_table_fini(&table);
}

/* A space in front keeps the reader from its quick way. */
static void general_check(struct str key, struct str value, int rc,
                          const struct event_view *quick)
{
    struct event_view general;
    struct buf b;
    struct err e;

    buf_init(&b, value.len + 1);
    buf_char(&b, ' ');
    buf_str_add(&b, value);
    CHECK(event_read(key, buf_str(&b), &general, &e) == rc);
    if (rc == 0) {
        CHECK(general.op == quick->op && general.copied == quick->copied);
        CHECK(general.row_version == quick->row_version);
        CHECK(general.commit_us == quick->commit_us);
        CHECK(str_eq(general.after, quick->after));
        CHECK(str_eq(general.before, quick->before));
    }
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size > 0 ? memchr(text, '\n', size) : NULL;
    size_t key_len = end ? (size_t)(end - text) : size;
    struct str key = { text, key_len };
    struct str value = { NULL, 0 };
    struct event_view view;
    struct err e = { 0 };
    int rc;

    if (end) {
        value = (struct str){ end + 1, size - key_len - 1 };
    }
    rc = event_read(key, value, &view, &e);
    if (end) {
        general_check(key, value, rc, &view);
    }
    if (rc == 0) {
        CHECK(view.tombstone == !end);
        if (!view.tombstone) {
            view_check(&view, key, value);
            again_check(&view);
        }
    } else {
        CHECK(e.kind == ERR_INPUT && e.text[0]);
    }
    return 0;
}

/* links: monitor_core */
/*
 * Any text as a worker's metrics. What is merged out of it must be a valid
 * exposition: no line is bad, each family comes once, HELP and TYPE in front
 * of its series; and merging the result again changes nothing.
 */
#include "monitor/expo.h"
#include "monitor/promtext.h"
#include "monitor/relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void merge(struct buf *b, struct str text, const char *component)
{
    struct expo x = { 0 };

    expo_add(&x, text, component, component ? "h:1" : NULL);
    expo_write(b, &x);
    expo_fini(&x);
}

/* Families stand in the order of their names, so none comes twice. */
static void order_check(struct str *last, struct str name)
{
    size_t least = last->len < name.len ? last->len : name.len;
    int order = least ? memcmp(last->p, name.p, least) : 0;

    CHECK(order < 0 || (order == 0 && last->len < name.len));
    *last = name;
}

static void valid_check(struct str text)
{
    struct promtext_line line;
    struct str last = { "", 0 }, value;
    enum promtext_kind kind;

    while ((kind = promtext_next(&text, &line)) != PROMTEXT_END) {
        CHECK(kind == PROMTEXT_HELP || kind == PROMTEXT_TYPE ||
              kind == PROMTEXT_SERIES);
        if (kind == PROMTEXT_TYPE) {
            order_check(&last, line.name);
        } else if (kind == PROMTEXT_SERIES) {
            CHECK(line.name.len >= last.len);
            CHECK(memcmp(line.name.p, last.p, last.len) == 0);
            CHECK(promtext_label(line.labels, "component", &value));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct buf once, twice;

    buf_init(&once, 64 << 20);
    buf_init(&twice, 64 << 20);
    merge(&once, text, "sink-es");
    valid_check(buf_str(&once));
    merge(&twice, buf_str(&once), "sink-es");
    CHECK(str_eq(buf_str(&once), buf_str(&twice)));
    (void)relay_reading(text);
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}

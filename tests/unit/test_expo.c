/* links: monitor_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/expo.h"

/* Adds `texts` as those of replicas h:1, h:2, ... of sink-es. */
static void check_merge(const char *const *texts, const char *want)
{
    struct expo x = { 0 };
    struct buf b;

    buf_init(&b, 1 << 20);
    for (int i = 0; texts[i]; i++) {
        char instance[16];

        (void)snprintf(instance, sizeof(instance), "h:%d", i + 1);
        expo_add(&x, str_of(texts[i]), "sink-es", instance);
    }
    expo_write(&b, &x);
    assert_string_equal(buf_z(&b), want);
    expo_fini(&x);
    buf_fini(&b);
}

static void test_families_come_once(void **state)
{
    const char *texts[] = {
        "# HELP b Two.\n# TYPE b counter\nb{t=\"x\"} 1\nb{t=\"y\"} 2\n"
        "# HELP a One.\n# TYPE a gauge\na 5\n",
        "# HELP b Other words.\n# TYPE b counter\nb{t=\"x\"} 3\n"
        "# HELP c Three.\n# TYPE c gauge\nc 1\n",
        NULL
    };

    (void)state;
    check_merge(texts, "# HELP a One.\n# TYPE a gauge\n"
                       "a{component=\"sink-es\",instance=\"h:1\"} 5\n"
                       "# HELP b Two.\n# TYPE b counter\n"
                       "b{component=\"sink-es\",instance=\"h:1\",t=\"x\"} 1\n"
                       "b{component=\"sink-es\",instance=\"h:1\",t=\"y\"} 2\n"
                       "b{component=\"sink-es\",instance=\"h:2\",t=\"x\"} 3\n"
                       "# HELP c Three.\n# TYPE c gauge\n"
                       "c{component=\"sink-es\",instance=\"h:2\"} 1\n");
}

static void test_own_labels_stay(void **state)
{
    const char *texts[] = {
        "# TYPE i gauge\ni{component=\"x\",version=\"1\"} 1\n"
        "i{version=\"1\",instance=\"me\"} 1\n",
        NULL
    };

    (void)state;
    check_merge(texts, "# TYPE i gauge\n"
                       "i{instance=\"h:1\",component=\"x\",version=\"1\"} 1\n"
                       "i{component=\"sink-es\",version=\"1\","
                       "instance=\"me\"} 1\n");
}

static void test_histograms_stay_together(void **state)
{
    const char *texts[] = {
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n"
        "h_sum 3\nh_count 2\n# TYPE h_max gauge\nh_max 9\n",
        /* of another text, in another order, and without its TYPE */
        "h_count 4\nh_bucket{le=\"+Inf\"} 4\n", NULL
    };
    const char *want =
        "# TYPE h histogram\n"
        "h_bucket{component=\"sink-es\",instance=\"h:1\",le=\"1\"} 1\n"
        "h_bucket{component=\"sink-es\",instance=\"h:1\",le=\"+Inf\"} 2\n"
        "h_sum{component=\"sink-es\",instance=\"h:1\"} 3\n"
        "h_count{component=\"sink-es\",instance=\"h:1\"} 2\n"
        "h_count{component=\"sink-es\",instance=\"h:2\"} 4\n"
        "h_bucket{component=\"sink-es\",instance=\"h:2\",le=\"+Inf\"} 4\n"
        "# TYPE h_max gauge\n"
        "h_max{component=\"sink-es\",instance=\"h:1\"} 9\n";

    (void)state;
    check_merge(texts, want);
}

static void test_bad_lines_are_left_out(void **state)
{
    const char *texts[] = {
        "# TYPE a wheel\n# HELP empty Nothing.\n# TYPE empty gauge\n"
        "a 1\na{ 2\n<p>a 3</p>\na{x=\"1\"} 4 123\n",
        /* another type than the first text said: its series go */
        "# TYPE a counter\na 5\n", "# TYPE a gauge\na 6\n", "a 7\n", NULL
    };

    (void)state;
    check_merge(texts, "# TYPE a counter\n"
                       "a{component=\"sink-es\",instance=\"h:1\"} 1\n"
                       "a{component=\"sink-es\",instance=\"h:1\",x=\"1\"} 4\n"
                       "a{component=\"sink-es\",instance=\"h:2\"} 5\n"
                       "a{component=\"sink-es\",instance=\"h:4\"} 7\n");
}

static void test_without_labels(void **state)
{
    struct expo x = { 0 };
    struct buf b;

    (void)state;
    buf_init(&b, 1 << 20);
    expo_add(&x, STR("a 1\nb{} 2\nc{x=\"1\",} 3\n"), NULL, NULL);
    expo_write(&b, &x);
    assert_string_equal(buf_z(&b), "# TYPE a untyped\na 1\n"
                                   "# TYPE b untyped\nb 2\n"
                                   "# TYPE c untyped\nc{x=\"1\"} 3\n");
    expo_fini(&x);
    expo_fini(&x);
    buf_fini(&b);
}

static void test_too_many_families(void **state)
{
    struct expo x = { 0 };
    struct buf text, out;
    unsigned lines = 0;

    (void)state;
    buf_init(&text, 1 << 20);
    buf_init(&out, 1 << 20);
    for (int i = 0; i < EXPO_FAMILIES_MAX + 10; i++) {
        buf_printf(&text, "m%d 1\n", i);
    }
    expo_add(&x, buf_str(&text), NULL, NULL);
    expo_write(&out, &x);
    for (size_t i = 0; i < out.len; i++) {
        lines += out.p[i] == '\n';
    }
    assert_int_equal(lines, 2 * EXPO_FAMILIES_MAX);
    expo_fini(&x);
    buf_fini(&text);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families_come_once),
        cmocka_unit_test(test_own_labels_stay),
        cmocka_unit_test(test_histograms_stay_together),
        cmocka_unit_test(test_bad_lines_are_left_out),
        cmocka_unit_test(test_without_labels),
        cmocka_unit_test(test_too_many_families),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* links: cdc_base */
/* confenv.h: which variables were probably meant for us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/confenv.h"

static void typos(void **state)
{
    static const struct {
        const char *variable, *name, *meant;
    } cases[] = {
        { "CDC_LOGLEVEL=debug", "CDC_LOGLEVEL", "CDC_LOG_LEVEL" },
        { "CDC_LOG_LEVLE=debug", "CDC_LOG_LEVLE", "CDC_LOG_LEVEL" },
        { "CDC_BATCHSIZE=", "CDC_BATCHSIZE", "CDC_BATCH_SIZE" },
        { "CDC_TABLE=a", "CDC_TABLE", "CDC_TABLES" },
        { "CDC_LOG_LEVEL=debug", NULL, NULL },
        { "CDC_HOME=/x", NULL, NULL },
        { "CDC_PRODUCER_SERVICE_HOST=10.0.0.1", NULL, NULL },
        { "CDC_=", NULL, NULL },
        { "KAFKA_BROKER=a", NULL, NULL }, /* may be anybody's */
        { "REDIS_URL_FILE=a", NULL, NULL },
        { "CDC_A_NAME_THAT_IS_MUCH_LONGER_THAN_ANY_OF_OURS_IS_OR_EVER_WILL_BE"
          "=1",
          NULL, NULL },
        { "nothing", NULL, NULL },
        { "", NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *env[] = { (char *)(uintptr_t) "PATH=/bin",
                        (char *)(uintptr_t)cases[i].variable, NULL };
        struct confenv typo = { 0 };

        if (!cases[i].name) {
            assert_false(confenv_next(conf_options, env, &typo));
            continue;
        }
        assert_true(confenv_next(conf_options, env, &typo));
        assert_string_equal(typo.name, cases[i].name);
        assert_string_equal(typo.meant, cases[i].meant);
        assert_false(confenv_next(conf_options, env, &typo));
    }
    assert_false(confenv_next(conf_options, NULL, &(struct confenv){ 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typos),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * forked.h - scenarios as processes: for code that ends with its process
 * (a stop is for ever), and side by side, since they mostly wait.
 *
 *     #define SCENARIOS(X) X(one) X(two)
 *     FORKED(SCENARIOS, run)      run(name, body) in the child, then exit 0
 *     int main(void) { return FORKED_MAIN(SCENARIOS); }
 *
 * TEST_ONLY=name runs one of them. Included by one test program each.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORKED_ROW(scenario) { #scenario, scenario, 0 },
#define FORKED_TEST(scenario) \
    { "" #scenario, forked_wait, NULL, NULL, (void *)(uintptr_t) "" #scenario },

/* Forks all scenarios in the group's setup; each test waits for its own. */
#define FORKED(LIST, run)                                                   \
    static struct {                                                         \
        const char *name;                                                   \
        forked_body *body;                                                  \
        pid_t pid;                                                          \
    } forked[] = { LIST(FORKED_ROW) };                                      \
                                                                            \
    static int forked_begin(void **state)                                   \
    {                                                                       \
        const char *only = getenv("TEST_ONLY");                             \
                                                                            \
        (void)state;                                                        \
        for (size_t i = 0; i < sizeof(forked) / sizeof(forked[0]); i++) {   \
            if (only && strcmp(only, forked[i].name) != 0) {                \
                continue;                                                   \
            }                                                               \
            forked[i].pid = fork();                                         \
            if (forked[i].pid == 0) {                                       \
                (void)alarm(100); /* a hang is a failure */                 \
                run(forked[i].name, forked[i].body);                        \
                exit(0); /* with the leak check */                          \
            }                                                               \
        }                                                                   \
        return 0;                                                           \
    }                                                                       \
                                                                            \
    static void forked_wait(void **state)                                   \
    {                                                                       \
        for (size_t i = 0; i < sizeof(forked) / sizeof(forked[0]); i++) {   \
            int status = 0;                                                 \
                                                                            \
            if (strcmp(forked[i].name, *state) == 0 && forked[i].pid > 0) { \
                assert_int_equal(waitpid(forked[i].pid, &status, 0),        \
                                 forked[i].pid);                            \
                assert_int_equal(status, 0);                                \
            }                                                               \
        }                                                                   \
    }

#define FORKED_MAIN(LIST)                                                      \
    cmocka_run_group_tests(((const struct CMUnitTest[]){ LIST(FORKED_TEST) }), \
                           forked_begin, NULL)

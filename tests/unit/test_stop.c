/* links: cdc_base */
/* stop.h: the flag, the wake-up, the second signal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/stop.h"

static bool readable(void)
{
    struct pollfd pfd = { .fd = stop_fd(), .events = POLLIN };

    return poll(&pfd, 1, 0) == 1;
}

/* Runs `body` in a child and gives its wait status. */
static int in_child(int (*body)(void))
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(body());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int one_signal(void)
{
    int64_t start = clock_ms();

    if (stop_fd() >= 0 || stop_init(NULL) < 0 || stop_requested() ||
        readable() || stop_wait(20) || clock_ms() - start < 19) {
        return 1;
    }
    (void)raise(SIGPIPE); /* ignored */
    (void)raise(SIGTERM);
    if (!stop_requested() || !readable() || !stop_wait(60000)) {
        return 2;
    }
    return readable() ? 0 : 3; /* for ever */
}

static int two_signals(void)
{
    if (stop_init(NULL) < 0) {
        return 1;
    }
    (void)raise(SIGTERM);
    (void)raise(SIGINT);
    return 2;
}

static int request_then_signal(void)
{
    if (stop_init(NULL) < 0) {
        return 1;
    }
    stop_request();
    stop_request();
    (void)raise(SIGTERM); /* the first signal never kills */
    return stop_requested() && readable() ? 0 : 2;
}

static int request_before_init(void)
{
    stop_request();
    return stop_init(NULL) == 0 && stop_requested() && readable() ? 0 : 1;
}

static int wait_is_interrupted(void)
{
    pid_t parent = getpid();
    int64_t start = clock_ms();

    if (stop_init(NULL) < 0) {
        return 1;
    }
    if (fork() == 0) {
        (void)usleep(50000);
        (void)kill(parent, SIGTERM);
        _exit(0);
    }
    return stop_wait(30000) && clock_ms() - start < 10000 ? 0 : 2;
}

static void behaves(void **state)
{
    static const struct {
        const char *name;
        int (*body)(void);
        int code;
    } cases[] = {
        { "one signal", one_signal, 0 },
        { "two signals", two_signals, 130 },
        { "request, then signal", request_then_signal, 0 },
        { "request before init", request_before_init, 0 },
        { "wait is interrupted", wait_is_interrupted, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int status = in_child(cases[i].body);

        if (!WIFEXITED(status) || WEXITSTATUS(status) != cases[i].code) {
            fail_msg("%s: status %#x", cases[i].name, (unsigned)status);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(behaves) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

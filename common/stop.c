#include "common/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"

/* Lock-free atomics are what C17 lets a handler share with threads. */
static atomic_bool stop_flag;
static atomic_int signal_count;
static atomic_int wake_fd = -1; /* an eventfd; written once, never read */

static void wake(void)
{
    const uint64_t one = 1;
    int fd = atomic_load(&wake_fd);

    if (!atomic_exchange(&stop_flag, true) && fd >= 0) {
        /* cannot fail: the counter is far from its maximum */
        ssize_t n = write(fd, &one, sizeof(one));

        (void)n;
    }
}

static void on_signal(int sig)
{
    int saved = errno;

    (void)sig;
    if (atomic_fetch_add(&signal_count, 1) > 0) {
        _exit(130);
    }
    wake();
    errno = saved;
}

int stop_init(struct err *e)
{
    struct sigaction action = { .sa_handler = on_signal,
                                .sa_flags = SA_RESTART };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    int fd;

    if (atomic_load(&wake_fd) < 0) {
        fd = eventfd(stop_requested(), EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd < 0) {
            return err_set(e, ERR_FATAL, "eventfd: %s", strerror(errno));
        }
        atomic_store(&wake_fd, fd);
    }
    (void)sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, NULL) != 0 ||
        sigaction(SIGINT, &action, NULL) != 0 ||
        sigaction(SIGPIPE, &ignore, NULL) != 0) {
        return err_set(e, ERR_FATAL, "sigaction: %s", strerror(errno));
    }
    return 0;
}

bool stop_requested(void)
{
    return atomic_load_explicit(&stop_flag, memory_order_relaxed);
}

void stop_request(void)
{
    wake();
}

int stop_fd(void)
{
    return atomic_load(&wake_fd);
}

bool stop_wait(int wait_ms)
{
    int64_t deadline_ms = clock_ms() + wait_ms;

    while (!stop_requested()) {
        struct pollfd pfd = { .fd = stop_fd(), .events = POLLIN };
        int left_ms = clock_left_ms(deadline_ms);

        if (left_ms == 0) {
            break;
        }
        (void)poll(&pfd, 1, left_ms); /* EINTR: asked again */
    }
    return stop_requested();
}

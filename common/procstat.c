#include "common/procstat.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static double cpu_seconds(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) < 0) {
        return NAN;
    }
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The first two numbers of /proc/self/statm, in pages. */
static void memory_read(struct procstat *p)
{
    char text[128];
    unsigned long long size, resident;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0) {
        (void)close(fd);
    }
    p->virtual_bytes = p->resident_bytes = NAN;
    if (n <= 0) {
        return;
    }
    text[n] = '\0';
    if (sscanf(text, "%llu %llu", &size, &resident) == 2) {
        p->virtual_bytes = (double)size * (double)sysconf(_SC_PAGESIZE);
        p->resident_bytes = (double)resident * (double)sysconf(_SC_PAGESIZE);
    }
}

static double open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    double count = -3; /* ".", ".." and the folder's own */

    if (!dir) {
        return NAN;
    }
    while (readdir(dir)) {
        count++;
    }
    (void)closedir(dir);
    return count;
}

static double max_fds(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? NAN : (double)limit.rlim_cur;
}

struct procstat procstat_read(void)
{
    struct procstat p = {
        .cpu_seconds = cpu_seconds(),
        .open_fds = open_fds(),
        .max_fds = max_fds(),
    };

    memory_read(&p);
    return p;
}

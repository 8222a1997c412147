/*
 * procstat.h - what this process uses: the numbers of Prometheus' process_*
 * metrics. Linux (/proc). What cannot be read is NaN. Any thread.
 */
#pragma once

struct procstat {
    double cpu_seconds; /* user and system */
    double resident_bytes;
    double virtual_bytes;
    double open_fds;
    double max_fds; /* infinity when there is no limit */
};

struct procstat procstat_read(void);

/*
 * clickhouse-host: ClickHouse's own HTTP and TCP servers out of libchdb.so.
 *
 * libchdb is the whole engine as a library. Its command line entry runs a
 * local engine with the arguments of `clickhouse local`; two SYSTEM queries
 * make that engine listen, and a last query that never ends keeps it there
 * until a signal comes.
 *
 *     LIBCHDB=/path/libchdb.so clickhouse-host --path DIR --listen_host ADDR \
 *         --http_port PORT --tcp_port PORT [--config-file FILE]
 *
 * For tests and demonstrations on one machine only: no users, no clusters.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *const queries[] = {
    "--query",
    "SYSTEM START LISTEN HTTP",
    "--query",
    "SYSTEM START LISTEN TCP",
    "--query",
    "SELECT sleepEachRow(1) FROM system.numbers SETTINGS "
    "function_sleep_max_microseconds_per_block = 0, max_block_size = 1 "
    "FORMAT Null",
};

enum { N_QUERIES = sizeof queries / sizeof *queries };

typedef void *run_fn(int argc, char **argv);
typedef const char *error_fn(void *result);

/* dlsym gives an object pointer; C has no cast from it to a function's. */
static int symbol(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);

    if (!found) {
        fprintf(stderr, "clickhouse-host: libchdb has no %s\n", name);
        return -1;
    }
    memcpy(function, &found, sizeof found);
    return 0;
}

int main(int argc, char **argv)
{
    const char *path = getenv("LIBCHDB");
    run_fn *run = NULL;
    error_fn *error = NULL;

    void *library = dlopen(path ? path : "libchdb.so", RTLD_NOW | RTLD_GLOBAL);
    if (!library) {
        fprintf(stderr, "clickhouse-host: %s\n", dlerror());
        return 1;
    }
    if (symbol(library, "chdb_query_cmdline", &run) < 0 ||
        symbol(library, "chdb_result_error", &error) < 0) {
        return 1;
    }

    char **args = calloc((size_t)argc + N_QUERIES + 1, sizeof *args);
    if (!args) {
        perror("clickhouse-host");
        return 1;
    }
    memcpy(args, argv, (size_t)argc * sizeof *args);
    memcpy(args + argc, queries, sizeof queries);

    void *result = run(argc + N_QUERIES, args);
    const char *failure = result ? error(result) : "no result";
    if (failure) {
        fprintf(stderr, "clickhouse-host: %s\n", failure);
        return 2;
    }
    return 0;
}

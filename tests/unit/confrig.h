/*
 * confrig.h - an option table and its program, for the tests of conf.h and of
 * what is made from the table.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "common/conf.h"

struct cfg {
    struct conf_common common;
    char *url, *listen, *optional;
    int size, delay, bytes;
    bool fast, thorough;
};

static const struct conf_option options[] = {
    { .key = "source.url",
      .env = "T_URL",
      .flag = "url",
      .type = CONF_STRING,
      .programs = CONF_ALL,
      .required = CONF_ALL,
      .secret = true,
      .help = "postgresql://user:password@host/database" },
    { .key = "sink.batch.size",
      .env = "T_SIZE",
      .flag = "size",
      .type = CONF_INT,
      .programs = CONF_ALL,
      .def = "100",
      .min = -1,
      .max = 1000,
      .help = "rows of a batch, a sentence that is long enough that it has "
              "to be wrapped into two lines of the help text" },
    { .key = "sink.fast",
      .env = "T_FAST",
      .flag = "fast",
      .type = CONF_BOOL,
      .programs = CONF_ALL,
      .def = "false",
      .help = "go fast" },
    { .key = "http.listen",
      .env = "CDC_LISTEN",
      .flag = "listen",
      .type = CONF_STRING,
      .programs = CONF_ALL,
      .def = "0.0.0.0:9850",
      .help = "address" },
    { .key = "optional",
      .env = "T_OPTIONAL",
      .type = CONF_STRING,
      .programs = CONF_ALL,
      .def = "first=localhost:9851,second=localhost:9852,third=localhost:98"
             "53,fourth=localhost:9854",
      .help = "optional text" },
    { .key = "config",
      .env = "CDC_CONFIG",
      .flag = "config",
      .letter = 'c',
      .programs = CONF_ALL,
      .no_file = true,
      .help = "configuration file" },
    { .key = "name",
      .env = "CDC_NAME",
      .flag = "name",
      .def = "cdc",
      .programs = CONF_ALL,
      .help = "name" },
    { .key = "kafka.brokers",
      .env = "KAFKA_BROKERS",
      .flag = "kafka-brokers",
      .type = CONF_LIST,
      .def = "localhost:9092",
      .programs = CONF_ALL,
      .required = CONF_ALL,
      .help = "brokers" },
    { .key = "redis.advertise",
      .type = CONF_STRING,
      .programs = CONF_ALL,
      .help = "our host" },
    { .key = "redis.url",
      .env = "REDIS_URL",
      .type = CONF_URL,
      .def = "redis://localhost:6379",
      .programs = CONF_ALL,
      .help = "registry" },
    { .key = "log.level",
      .env = "CDC_LOG_LEVEL",
      .type = CONF_CHOICE,
      .def = "info",
      .choices = "debug info warn error",
      .programs = CONF_ALL,
      .help = "level" },
    { .key = "log.format",
      .flag = "log-format",
      .type = CONF_CHOICE,
      .def = "logfmt",
      .choices = "logfmt json",
      .programs = CONF_ALL,
      .help = "format" },
    { .key = "sinks.b.delay",
      .env = "T_DELAY",
      .flag = "delay",
      .type = CONF_MS,
      .def = "5s",
      .min = -1,
      .max = 3600000,
      .programs = CONF_SINK_CH,
      .help = "delay" },
    { .key = "sinks.a.delay",
      .env = "T_DELAY",
      .flag = "delay",
      .type = CONF_MS,
      .def = "7s",
      .min = -1,
      .max = 3600000,
      .programs = CONF_SINK_ES,
      .help = "delay" },
    { .key = "batch.bytes",
      .env = "T_BYTES",
      .flag = "bytes",
      .type = CONF_BYTES,
      .def = "8MiB",
      .min = 1,
      .max = 1 << 30,
      .programs = CONF_ALL,
      .help = "bytes" },
    { .key = "thorough",
      .flag = "thorough",
      .type = CONF_BOOL,
      .programs = CONF_ALL,
      .command = "check prove",
      .help = "look deeper" },
    { .key = "require_tls",
      .flag = "require-tls",
      .type = CONF_BOOL,
      .programs = CONF_ALL,
      .help = "refuse cleartext" },
    { .key = "offline",
      .flag = "offline",
      .type = CONF_BOOL,
      .programs = CONF_ALL,
      .command = "check",
      .help = "no connection" },
    { .key = "of.others", .programs = CONF_MONITOR, .help = "no business" },
    { 0 },
};
static const struct conf_bind binds[] = {
    { "source.url", offsetof(struct cfg, url) },
    { "sink.batch.size", offsetof(struct cfg, size) },
    { "sink.fast", offsetof(struct cfg, fast) },
    { "http.listen", offsetof(struct cfg, common.listen) },
    { "optional", offsetof(struct cfg, optional) },
    { "sinks.*.delay", offsetof(struct cfg, delay) },
    { "batch.bytes", offsetof(struct cfg, bytes) },
    { "thorough", offsetof(struct cfg, thorough) },
    { 0 },
};
static const struct conf_bind *const all_binds[] = { conf_common_binds, binds,
                                                     NULL };
static const struct conf_command commands[] = {
    { .name = "run", .help = "go" }, { .name = "check", .help = "look" }, { 0 }
};
static int cfg_check(const void *values, struct err *e)
{
    return ((const struct cfg *)values)->size == 13
               ? err_set(e, ERR_CONFIG, "13 is no size")
               : 0;
}

static const struct conf_program program = {
    .bit = CONF_SINK_ES,
    .name = "cdc-test",
    .summary = "tests options",
    .commands = commands,
    .examples = "  cdc-test check\n",
    .options = options,
    .binds = all_binds,
    .check = cfg_check,
};

static struct cfg cfg;
static struct err e;
static enum conf_action action;
static const char *command;

/* Loads from the words of `line`, split at spaces. */
static int load(const char *line)
{
    char text[512];
    char *argv[20] = { (char *)(uintptr_t) "cdc-test" };
    int argc = 1;
    char *save = NULL;

    conf_free(&program, &cfg);
    memset(&cfg, 0, sizeof(cfg));
    e = (struct err){ 0 };
    command = NULL;
    (void)snprintf(text, sizeof(text), "%s", line);
    for (char *word = strtok_r(text, " ", &save); word;
         word = strtok_r(NULL, " ", &save)) {
        argv[argc++] = word;
    }
    return conf_load(&program, &cfg, argc, argv, &action, &command, &e);
}

static void clear(void)
{
    static const char *const names[] = {
        "T_URL",       "T_URL_FILE", "T_SIZE",        "T_FAST",
        "T_OPTIONAL",  "CDC_NAME",   "CDC_LISTEN",    "KAFKA_BROKERS",
        "T_SIZE_FILE", "REDIS_URL",  "CDC_LOG_LEVEL", "T_DELAY",
        "T_BYTES",     "T_NAME",     "T_DIR",
    };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)unsetenv(names[i]);
    }
}

static int begin(void **state)
{
    (void)state;
    clear();
    (void)setenv("CDC_CONFIG", "", 1); /* not this machine's */
    return setenv("T_URL", "postgresql://e", 1);
}

static int end(void **state)
{
    (void)state;
    clear();
    conf_free(&program, &cfg);
    conf_free(&program, &cfg);
    return 0;
}

/* What conf_load prints to stdout, read from a child. Returns the exit code
   that main would give; 99 when it goes on to run. */
static inline int printed(const char *line, char *out, size_t max)
{
    int fds[2];
    ssize_t n;
    size_t len = 0;
    pid_t pid;

    (void)fflush(stdout);
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        int code = 99;

        (void)dup2(fds[1], STDOUT_FILENO);
        if (load(line) < 0) {
            code = err_exit_code(e.kind);
        } else if (action == CONF_DONE) {
            code = 0;
        }
        _exit(fflush(stdout) == 0 ? code : 98);
    }
    (void)close(fds[1]);
    while ((n = read(fds[0], out + len, max - len - 1)) > 0) {
        len += (size_t)n;
    }
    out[len] = '\0';
    (void)close(fds[0]);
    assert_int_equal(waitpid(pid, &fds[0], 0), pid);
    assert_true(WIFEXITED(fds[0]));
    return WEXITSTATUS(fds[0]);
}

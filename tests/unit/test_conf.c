/* links: cdc_base */
/* conf.h: sources and their order, errors and their texts, --help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/confhelp.h"
#include "common/log.h"

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
static const struct conf_command commands[] = { { "run", "go" },
                                                { "check", "look" },
                                                { 0 } };
static const struct conf_program program = {
    .bit = CONF_SINK_ES,
    .name = "cdc-test",
    .summary = "tests options",
    .commands = commands,
    .examples = "  cdc-test check\n",
    .options = options,
    .binds = all_binds,
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
        "T_BYTES",
    };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)unsetenv(names[i]);
    }
}

static int begin(void **state)
{
    (void)state;
    clear();
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

static void later_sources_win(void **state)
{
    (void)state;
    assert_int_equal(load(""), 0);
    assert_int_equal(action, CONF_RUN);
    assert_string_equal(command, "run");
    assert_ptr_equal(command, commands[0].name);
    assert_string_equal(cfg.url, "postgresql://e");
    assert_int_equal(cfg.size, 100);
    assert_false(cfg.fast);
    assert_string_equal(cfg.common.name, "cdc");
    assert_string_equal(cfg.common.listen, "0.0.0.0:9850");
    assert_non_null(cfg.optional);
    assert_null(cfg.listen);
    (void)setenv("T_SIZE", "-1", 1);
    (void)setenv("T_FAST", "yes", 1);
    (void)setenv("CDC_NAME", "shop", 1);
    assert_int_equal(load("check"), 0);
    assert_string_equal(command, "check");
    assert_int_equal(cfg.size, -1);
    assert_true(cfg.fast);
    assert_string_equal(cfg.common.name, "shop");
    assert_int_equal(load("--size 7 check --fast=off --name=a --url x=y"), 0);
    assert_int_equal(cfg.size, 7);
    assert_false(cfg.fast);
    assert_string_equal(cfg.common.name, "a");
    assert_string_equal(cfg.url, "x=y");
    assert_string_equal(command, "check");
    assert_int_equal(load("--size 7 --size -1 --fast"), 0);
    assert_int_equal(cfg.size, -1);
    assert_true(cfg.fast);
}

/* Durations and sizes from every source, lists that add up, flags of some
   commands. */
static void types_of_values(void **state)
{
    (void)state;
    assert_int_equal(load(""), 0);
    assert_int_equal(cfg.delay, 7000); /* of this program's row */
    assert_int_equal(cfg.bytes, 8 << 20);
    (void)setenv("T_DELAY", "250", 1);
    assert_int_equal(load("--bytes 1KiB"), 0);
    assert_int_equal(cfg.delay, 250);
    assert_int_equal(cfg.bytes, 1024);
    assert_int_equal(load("--delay 30m --bytes=7"), 0);
    assert_int_equal(cfg.delay, 30 * 60 * 1000);
    assert_int_equal(cfg.bytes, 7);
    assert_int_equal(load("--kafka-brokers a:1 --kafka-brokers=b:2,c:3"), 0);
    assert_string_equal(cfg.common.brokers, "a:1,b:2,c:3");
    assert_int_equal(load("--thorough check"), 0);
    assert_true(cfg.thorough);
    assert_int_equal(load("--thorough run"), -1);
    assert_int_equal(e.kind, ERR_USAGE);
    assert_string_equal(e.text,
                        "flag --thorough is for the command check prove");
}

static void empty_variables(void **state)
{
    (void)state;
    (void)setenv("REDIS_URL", "", 1); /* switches it off */
    (void)setenv("T_SIZE", "", 1);    /* as composed environments have it */
    (void)setenv("T_FAST", "", 1);
    assert_int_equal(load(""), 0);
    assert_string_equal(cfg.common.redis_url, "");
    assert_int_equal(cfg.size, 100);
    (void)setenv("KAFKA_BROKERS", "", 1);
    assert_int_equal(load(""), -1);
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_memory_equal(e.text, "KAFKA_BROKERS is empty: ", 24);
}

static void errors(void **state)
{
    static const struct {
        const char *line;
        enum err_kind kind;
        const char *text;
    } cases[] = {
        { "--siz 7", ERR_USAGE, "unknown flag --siz; did you mean --size?" },
        { "--nmae=x", ERR_USAGE, "unknown flag --nmae; did you mean --name?" },
        { "--hlep", ERR_USAGE, "unknown flag --hlep; did you mean --help?" },
        { "--xyzzy", ERR_USAGE, "unknown flag --xyzzy" },
        { "-x", ERR_USAGE, "unknown flag -x" },
        { "--", ERR_USAGE, "unknown flag --" },
        { "-", ERR_USAGE, "unknown flag -" },
        { "chekc", ERR_USAGE, "unknown command chekc; did you mean check?" },
        { "postgresql://me:canary@h/d", ERR_USAGE,
          "unknown command (a URL; it goes behind its flag)" },
        { "check run", ERR_USAGE, "unexpected word run" },
        { "--name", ERR_USAGE, "flag --name needs a value" },
        { "--name --size 7", ERR_USAGE, "flag --name needs a value" },
        { "--size seven", ERR_USAGE,
          "--size: \"seven\" is not a whole number from -1 to 1000" },
        { "--size 1001", ERR_USAGE,
          "--size: \"1001\" is not a whole number from -1 to 1000" },
        { "--size 99999999999999999999", ERR_USAGE,
          "--size: \"99999999999999999999\" is not a whole number from -1 to "
          "1000" },
        { "--size 1.5", ERR_USAGE,
          "--size: \"1.5\" is not a whole number from -1 to 1000" },
        { "--size=", ERR_USAGE,
          "--size: \"\" is not a whole number from -1 to 1000" },
        { "--delay 61m", ERR_USAGE,
          "--delay: \"61m\" is not a duration (500ms, 30s, 5m, 1h), or not "
          "from -1 to 3600000 ms" },
        { "--bytes 2GiB", ERR_USAGE,
          "--bytes: \"2GiB\" is not a size (512KiB, 8MiB), or not from 1 to "
          "1073741824 bytes" },
        { "--log-level", ERR_USAGE, "unknown flag --log-level" },
        { "--fast=maybe", ERR_USAGE, "--fast: \"maybe\" is not true or false" },
        { "--url=", ERR_CONFIG,
          "--url is empty: postgresql://user:password@host/database" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(load(cases[i].line), -1);
        assert_string_equal(e.text, cases[i].text);
        assert_int_equal(e.kind, cases[i].kind);
    }
    (void)setenv("T_SIZE", "0100", 1);
    assert_int_equal(load(""), -1);
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_memory_equal(e.text, "T_SIZE: \"0100\" is not", 21);
    (void)unsetenv("T_URL");
    (void)unsetenv("T_SIZE");
    assert_int_equal(load(""), -1);
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_string_equal(e.text, "T_URL is not set: "
                                "postgresql://user:password@host/database");
}

static void put(const char *path, const char *text, size_t len)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void secrets_from_files(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *want;
    } cases[] = {
        { "secret\n", 7, "secret" },   { "secret", 6, "secret" },
        { "secret\r\n", 8, "secret" }, { "secret\n\n", 8, "secret\n" },
        { "a\0b", 3, NULL },           { "\n", 1, NULL },
    };
    char path[] = "/tmp/test_conf.XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    (void)setenv("T_URL_FILE", path, 1);
    assert_int_equal(load(""), -1);
    assert_string_equal(e.text, "T_URL and T_URL_FILE are both set; keep one");
    assert_int_equal(e.kind, ERR_CONFIG);
    (void)unsetenv("T_URL");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        put(path, cases[i].text, cases[i].len);
        assert_int_equal(load(""), cases[i].want ? 0 : -1);
        if (cases[i].want) {
            assert_string_equal(cfg.url, cases[i].want);
        } else {
            assert_non_null(strstr(e.text, "T_URL_FILE"));
        }
    }
    assert_int_equal(load("--url flag"), 0); /* the flag still wins */
    assert_string_equal(cfg.url, "flag");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(load(""), -1);
    assert_non_null(strstr(e.text, "T_URL_FILE"));
    assert_non_null(strstr(e.text, "No such file"));
    /* only secrets may come from a file */
    (void)setenv("T_URL", "x", 1);
    (void)unsetenv("T_URL_FILE");
    (void)setenv("T_SIZE_FILE", "/nonexistent", 1);
    assert_int_equal(load(""), 0);
}

static void common_start(void **state)
{
    static const struct {
        const char *name, *level, *format, *text;
    } cases[] = {
        { "cdc", "info", "logfmt", NULL },
        { "0a-b_c", "error", "json", NULL },
        { "", "info", "logfmt", "CDC_NAME" },
        { "Cdc", "info", "logfmt", "CDC_NAME" },
        { "-a", "info", "logfmt", "CDC_NAME" },
        { "_a", "info", "logfmt", "CDC_NAME" },
        { "a.b", "info", "logfmt", "CDC_NAME" },
        { "a b", "info", "logfmt", "CDC_NAME" },
        { "a234567890123456789012345678901234567890", "info", "logfmt", NULL },
        { "a2345678901234567890123456789012345678901", "info", "logfmt",
          "CDC_NAME" },
        { "cdc", "INFO", "logfmt", "CDC_LOG_LEVEL" },
        { "cdc", "info", "text", "CDC_LOG_FORMAT" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct conf_common c = {
            .name = (char *)(uintptr_t)cases[i].name,
            .log_level = (char *)(uintptr_t)cases[i].level,
            .log_format = (char *)(uintptr_t)cases[i].format,
        };
        int rc = conf_common_start(&c, "test", &e);

        assert_int_equal(rc, cases[i].text ? -1 : 0);
        if (rc < 0) {
            assert_int_equal(e.kind, ERR_CONFIG);
            assert_memory_equal(e.text, cases[i].text, strlen(cases[i].text));
        }
    }
}

static void help(void **state)
{
    struct buf b;
    const char *line, *text;

    (void)state;
    buf_init(&b, 1 << 20);
    confhelp_write(&b, &program);
    text = buf_z(&b);
    assert_memory_equal(text,
                        "cdc-test - tests options\n\nUsage: cdc-test "
                        "[run|check] [OPTION...]\n(without a command: run)\n\n"
                        "Examples:\n  cdc-test check\n",
                        112);
    for (line = text; *line; line += strcspn(line, "\n") + 1) {
        assert_in_range(strcspn(line, "\n"), 0, 80);
    }
    assert_non_null(strstr(text, "\nsource:\n  --url TEXT\n      postgresql"));
    assert_non_null(strstr(text, "[T_URL or T_URL_FILE; required]"));
    assert_non_null(strstr(text, "[T_SIZE; -1 to 1000; default 100]"));
    assert_non_null(strstr(text, "\n  T_OPTIONAL\n"));
    assert_non_null(strstr(text, "KAFKA_BROKERS"));
    /* a group of two tables comes once: general has name and optional */
    assert_null(strstr(strstr(text, "\ngeneral:\n") + 1, "\ngeneral:\n"));
    assert_non_null(strstr(text, "Exit codes: 0 ok"));
    buf_fini(&b);
}

static void failures(void **state)
{
    static const struct {
        enum err_kind kind;
        int code;
        const char *want;
    } cases[] = {
        { ERR_USAGE, 64, "cdc-test: no such\nTry 'cdc-test --help'.\n" },
        { ERR_CONFIG, 78, "msg=\"cdc-test ends\" error=\"no such\"\n" },
        { ERR_UNREACHABLE, 69, "msg=\"cdc-test ends\" error=\"no such\"\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char out[500];
        int fds[2], saved = dup(STDERR_FILENO);
        ssize_t n;

        log_init("test", LOG_ERROR, LOG_LOGFMT);
        assert_int_equal(pipe(fds), 0);
        assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
        (void)err_set(&e, cases[i].kind, "no such");
        assert_int_equal(conf_fail(&program, &e), cases[i].code);
        (void)dup2(saved, STDERR_FILENO);
        n = read(fds[0], out, sizeof(out) - 1);
        assert_true(n > 0);
        out[n] = '\0';
        assert_non_null(strstr(out, cases[i].want));
        (void)close(fds[0]);
        (void)close(fds[1]);
        (void)close(saved);
    }
}

/* What conf_load prints to stdout. */
static void printed(const char *line, char *out, size_t max)
{
    int fds[2];
    ssize_t n;
    size_t len = 0;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        (void)dup2(fds[1], STDOUT_FILENO);
        _exit(load(line) == 0 && action == CONF_DONE && fflush(stdout) == 0
                  ? 0
                  : 1);
    }
    (void)close(fds[1]);
    while ((n = read(fds[0], out + len, max - len - 1)) > 0) {
        len += (size_t)n;
    }
    out[len] = '\0';
    (void)close(fds[0]);
    assert_int_equal(waitpid(pid, &fds[0], 0), pid);
    assert_int_equal(fds[0], 0);
}

static void help_and_version_print(void **state)
{
    char out[20000];

    (void)state;
    (void)unsetenv("T_URL"); /* nothing is required for these */
    (void)fflush(stdout);
    printed("--version", out, sizeof(out));
    assert_string_equal(out, "cdc-test " CDC_VERSION "\n");
    printed("-V", out, sizeof(out));
    assert_string_equal(out, "cdc-test " CDC_VERSION "\n");
    printed("check --unknown --help", out, sizeof(out));
    assert_memory_equal(out, "cdc-test - tests options\n", 25);
    printed("-h", out, sizeof(out));
    assert_memory_equal(out, "cdc-test - tests options\n", 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(later_sources_win, begin, end),
        cmocka_unit_test_setup_teardown(types_of_values, begin, end),
        cmocka_unit_test_setup_teardown(empty_variables, begin, end),
        cmocka_unit_test_setup_teardown(errors, begin, end),
        cmocka_unit_test_setup_teardown(secrets_from_files, begin, end),
        cmocka_unit_test_setup_teardown(common_start, begin, end),
        cmocka_unit_test_setup_teardown(help, begin, end),
        cmocka_unit_test_setup_teardown(failures, begin, end),
        cmocka_unit_test_setup_teardown(help_and_version_print, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

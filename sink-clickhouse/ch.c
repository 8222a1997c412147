#include "sink-clickhouse/ch.h"

#include "sink-clickhouse/insert.h"
#include "sink-clickhouse/session.h"
#include "sink-clickhouse/targets.h"

/* Each insert costs the server some 5 ms and makes a part that it must merge:
   waiting a little longer for company halves both (performance.md 5). */
enum { LINGER_MS = 75 };

struct ch {
    struct session session;
    struct targets targets;
    struct insert insert;
};

const struct conf_row ch_conf_rows[] = {
    { .key = "clickhouse.host",
      .env = "CLICKHOUSE_HOST",
      .flag = "clickhouse-host",
      .type = CONF_STRING,
      .offset = offsetof(struct ch_conf, host),
      .def = "http://localhost:8123",
      .required = true,
      .help = "ClickHouse over HTTP: URL, host or host:port" },
    { .key = "clickhouse.database",
      .env = "CLICKHOUSE_DATABASE",
      .flag = "clickhouse-database",
      .type = CONF_STRING,
      .offset = offsetof(struct ch_conf, database),
      .def = "knowton",
      .required = true,
      .help = "database of the tables; created when it is missing" },
    { .key = "clickhouse.user",
      .env = "CLICKHOUSE_USER",
      .flag = "clickhouse-user",
      .type = CONF_STRING,
      .offset = offsetof(struct ch_conf, user),
      .def = "default",
      .help = "ClickHouse user" },
    { .key = "clickhouse.password",
      .env = "CLICKHOUSE_PASSWORD",
      .type = CONF_STRING,
      .offset = offsetof(struct ch_conf, password),
      .secret = true,
      .help = "ClickHouse password; empty for none" },
    { .key = NULL },
};

static int ch_check(void *self, struct err *e)
{
    struct ch *ch = self;

    return session_probe(&ch->session, e);
}

static int ch_prepare(void *self, const struct shape *first,
                      const struct shape *shape, struct err *e)
{
    struct ch *ch = self;

    (void)first; /* the table itself tells whether the shape fits it */
    if (session_probe(&ch->session, e) < 0) {
        return -1;
    }
    return targets_prepare(&ch->targets, &ch->session, shape, e);
}

static int ch_write(void *self, struct batch *b, struct err *e)
{
    struct ch *ch = self;

    return insert_run(&ch->insert, b, e);
}

const struct sink_ops ch_ops = {
    .name = "clickhouse",
    .component = "sink-clickhouse",
    .error_type = "ch_write",
    .linger_ms = LINGER_MS,
    .prepare = ch_prepare,
    .write = ch_write,
    .check = ch_check,
};

int ch_open(void **ret_ch, const void *settings, bool once, struct err *e)
{
    const struct ch_conf *conf = settings;
    struct session_conf session = { .host = conf->host,
                                    .user = conf->user,
                                    .password = conf->password,
                                    .once = once };
    struct ch *ch = xcalloc(1, sizeof(*ch));

    if (session_open(&ch->session, &session, e) < 0) {
        ch_close(ch);
        return -1;
    }
    targets_init(&ch->targets, conf->database, conf->sink.common.name);
    insert_init(&ch->insert, &ch->session, &ch->targets);
    *ret_ch = ch;
    return 0;
}

void ch_close(void *self)
{
    struct ch *ch = self;

    if (ch) {
        insert_fini(&ch->insert);
        targets_fini(&ch->targets);
        session_close(&ch->session);
        xfree(ch);
    }
}

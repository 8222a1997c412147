#include "sink-clickhouse/ch.h"

#include "common/httpurl.h"
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

const struct conf_bind ch_conf_binds[] = {
    { "sinks.clickhouse.url", offsetof(struct ch_conf, host) },
    { "sinks.clickhouse.database", offsetof(struct ch_conf, database) },
    { "sinks.clickhouse.user", offsetof(struct ch_conf, user) },
    { "sinks.clickhouse.password", offsetof(struct ch_conf, password) },
    { 0 },
};

static int ch_check(void *self, struct err *e)
{
    struct ch *ch = self;

    return session_probe(&ch->session, e);
}

static int ch_prepare(void *self, const struct shape *first,
                      const struct shape *shape, bool passed, struct err *e)
{
    struct ch *ch = self;

    (void)first; /* the table itself tells whether the shape fits it */
    if (session_probe(&ch->session, e) < 0) {
        return -1;
    }
    return targets_prepare(&ch->targets, &ch->session, shape, passed, e);
}

static int ch_write(void *self, struct batch *b, struct err *e)
{
    struct ch *ch = self;

    return insert_run(&ch->insert, b, e);
}

const struct sink_ops ch_ops = {
    .name = "clickhouse",
    .component = "sink-clickhouse",
    .variable = "CLICKHOUSE_HOST",
    .error_type = "ch_write",
    .linger_ms = LINGER_MS,
    .prepare = ch_prepare,
    .write = ch_write,
    .check = ch_check,
    .writes = "cdc_clickhouse_writes_total",
};

int ch_conf_check(const void *settings, struct err *e)
{
    const struct ch_conf *conf = settings;
    struct httpurl url = { 0 };

    if (httpurl_parse(&url, conf->host, 0, e) < 0) {
        return err_wrap(e, "CLICKHOUSE_HOST");
    }
    httpurl_fini(&url);
    return 0;
}

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

#include "monitor/read_ch.h"

#include "common/stop.h"
#include "monitor/tsv.h"

enum { SQL_BYTES_MAX = 4 << 20, REPLY_BYTES_MAX = 4 << 20 };

/* What decides how values print, or what FINAL shows. */
#define QUERY_PATH                                                 \
    "/?default_format=TabSeparated&date_time_output_format=simple" \
    "&output_format_tsv_crlf_end_of_line=0"                        \
    "&optimize_move_to_prewhere_if_final=0&max_query_size=16777216"

int read_ch_open(struct read_ch *p, const char *host, const char *user,
                 const char *password, const char *database, struct err *e)
{
    *p = (struct read_ch){ .database = xstrdup(database) };
    return probe_ch_open(&p->server, host, user, password, e);
}

void read_ch_close(struct read_ch *p)
{
    probe_ch_close(&p->server);
    xfree(p->database);
    *p = (struct read_ch){ 0 };
}

/* ClickHouse's lexer takes backslash escapes in both kinds of quotes. */
static void quoted(struct buf *b, struct str text, char quote)
{
    buf_char(b, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == quote || text.p[i] == '\\') {
            buf_char(b, '\\');
        }
        buf_char(b, text.p[i]);
    }
    buf_char(b, quote);
}

static void name_quoted(struct buf *b, const struct shape *shape, char quote)
{
    struct buf name;

    buf_init(&name, SQL_BYTES_MAX);
    shape_ch_table(&name, shape);
    quoted(b, buf_str(&name), quote);
    buf_fini(&name);
}

static int answer_fail(const struct http_request *rq, struct err *e)
{
    struct str text = buf_str(&rq->reply);

    if (rq->status == 0) {
        return err_set(e, stop_requested() ? ERR_RETRY : ERR_UNREACHABLE,
                       "ClickHouse: %s", rq->why);
    }
    text.len = text.len < 300 ? text.len : 300;
    return err_set(
        e, rq->status == 401 || rq->status == 403 ? ERR_PERMISSION : ERR_RETRY,
        "ClickHouse: HTTP %d: %.*s", rq->status, STR_ARG(text));
}

/* A small answer, whole. */
static int ask(struct read_ch *p, struct str sql, struct buf *ret_reply,
               struct err *e)
{
    struct http_request rq = {
        .method = "POST",
        .path = QUERY_PATH "&wait_end_of_query=1",
        .body = sql,
    };
    int rc = 0;

    buf_init(&rq.reply, REPLY_BYTES_MAX);
    (void)!http_run(p->server.http, &rq, 1, NULL); /* judged here */
    if (rq.status != 200 || rq.exception_code[0]) {
        rc = answer_fail(&rq, e);
        buf_fini(&rq.reply);
        return rc;
    }
    *ret_reply = rq.reply;
    return 0;
}

static void columns_take(struct buf *reply, const struct shape *shape,
                         bool *ret_columns, bool *ret_exists)
{
    char *p = reply->p, *end = p + reply->len;

    while (p < end) {
        char *stop = memchr(p, '\n', (size_t)(end - p));
        struct str name;

        stop = stop ? stop : end;
        if (tsv_split(p, (size_t)(stop - p), &name, 1)) {
            *ret_exists = true;
            for (unsigned i = 0; i < shape->column_count; i++) {
                ret_columns[i] |= str_eq(name, str_of(shape->columns[i].name));
            }
        }
        p = stop + 1;
    }
}

int read_ch_columns(struct read_ch *p, const struct shape *shape,
                    bool *ret_columns, bool *ret_exists, struct err *e)
{
    struct buf sql, reply;
    int rc;

    *ret_exists = false;
    memset(ret_columns, 0, shape->column_count * sizeof(*ret_columns));
    buf_init(&sql, SQL_BYTES_MAX);
    buf_lit(&sql, "SELECT name FROM system.columns WHERE database = ");
    quoted(&sql, str_of(p->database), '\'');
    buf_lit(&sql, " AND table = ");
    name_quoted(&sql, shape, '\'');
    rc = ask(p, buf_str(&sql), &reply, e);
    if (rc == 0) {
        if (reply.len > 0) {
            columns_take(&reply, shape, ret_columns, ret_exists);
        }
        buf_fini(&reply);
    }
    buf_fini(&sql);
    return rc;
}

static void from_write(struct buf *b, const struct read_ch *p,
                       const struct shape *shape)
{
    buf_lit(b, " FROM ");
    quoted(b, str_of(p->database), '`');
    buf_char(b, '.');
    name_quoted(b, shape, '`');
    buf_lit(b, " FINAL WHERE `is_deleted` = 0");
}

int read_ch_count(struct read_ch *p, const struct shape *shape,
                  uint64_t *ret_rows, struct err *e)
{
    struct buf sql, reply;
    int rc;

    buf_init(&sql, SQL_BYTES_MAX);
    buf_lit(&sql, "SELECT count()");
    from_write(&sql, p, shape);
    rc = ask(p, buf_str(&sql), &reply, e);
    if (rc == 0) {
        struct str text = buf_str(&reply);

        text.len -= text.len > 0; /* the line feed */
        if (!tsv_u64(text, ret_rows)) {
            rc = err_set(e, ERR_RETRY, "ClickHouse: an answer is no count");
        }
        buf_fini(&reply);
    }
    buf_fini(&sql);
    return rc;
}

/* ---- the stream --------------------------------------------------------- */

static int line_take(struct read_ch_stream *s, char *line, size_t len)
{
    struct canonrow *row = s->to->row;
    unsigned next = 0, count = 0;
    uint64_t version;

    for (unsigned i = 0; i < row->count; i++) {
        count += s->columns[i];
    }
    if (!tsv_split(line, len, s->fields, count + 1) ||
        !tsv_u64(s->fields[count], &version)) {
        return err_set(s->e, ERR_RETRY,
                       "ClickHouse: the answer ends early: "
                       "%.*s",
                       (int)(len < 300 ? len : 300), line);
    }
    canonrow_reset(row);
    for (unsigned i = 0; i < row->count; i++) {
        if (s->columns[i]) {
            row->values[i] = s->fields[next++];
        }
    }
    canonrow_make(row, CANON_CH);
    return s->to->fn(s->to->arg, row, version, s->e);
}

bool read_ch_piece(void *stream, const char *p, size_t len)
{
    struct read_ch_stream *s = stream;

    while (len > 0 && !s->failed) {
        const char *feed = memchr(p, '\n', len);
        size_t part = feed ? (size_t)(feed - p) : len;

        buf_add(&s->line, p, part);
        if (!buf_ok(&s->line)) {
            (void)err_set(s->e, ERR_RETRY, "ClickHouse: a row is too large");
            s->failed = true;
        } else if (feed) {
            s->failed = line_take(s, s->line.p ? s->line.p : &(char){ 0 },
                                  s->line.len) < 0;
            buf_reset(&s->line);
            part++;
        }
        p += part;
        len -= part;
    }
    return !s->failed && !stop_requested();
}

static void select_write(struct buf *b, const struct read_ch *p,
                         const struct shape *shape, const bool *columns)
{
    buf_lit(b, "SELECT ");
    for (unsigned i = 0; i < shape->column_count; i++) {
        if (columns[i]) {
            quoted(b, str_of(shape->columns[i].name), '`');
            buf_lit(b, ", ");
        }
    }
    buf_lit(b, "`_version`");
    from_write(b, p, shape);
    buf_lit(b, " FORMAT TabSeparated");
}

int read_ch_rows(struct read_ch *p, const bool *columns,
                 const struct reader *to, struct err *e)
{
    struct read_ch_stream s = {
        .to = to,
        .columns = columns,
        .fields = xcalloc(to->row->count + 1, sizeof(struct str)),
        .e = e,
    };
    struct buf sql;
    struct http_request rq = { .method = "POST",
                               .path = QUERY_PATH,
                               .deadline_ms = READ_CH_MS,
                               .piece = read_ch_piece,
                               .piece_arg = &s };
    int rc = 0;

    buf_init(&sql, SQL_BYTES_MAX);
    buf_init(&s.line, READ_CH_LINE_BYTES_MAX);
    buf_init(&rq.reply, REPLY_BYTES_MAX);
    select_write(&sql, p, to->row->shape, columns);
    rq.body = buf_str(&sql);
    (void)!http_run(p->server.http, &rq, 1, NULL); /* judged here */
    if (s.failed) {
        rc = -1;
    } else if (rq.status != 200 || rq.exception_code[0]) {
        rc = answer_fail(&rq, e);
    } else if (s.line.len > 0) {
        rc = err_set(e, ERR_RETRY, "ClickHouse: the answer ends early");
    }
    buf_fini(&rq.reply);
    buf_fini(&s.line);
    buf_fini(&sql);
    xfree(s.fields);
    return rc;
}

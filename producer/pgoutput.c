#include "producer/pgoutput.h"

#include "producer/reader.h"

/* PostgreSQL counts microseconds from 2000-01-01, we from 1970-01-01. */
static const int64_t EPOCH_2000_US = 946684800LL * 1000000;

enum { MESSAGE_TRANSACTIONAL = 1, COLUMN_IDENTITY = 1 };

static int64_t read_time_us(struct reader *r)
{
    const size_t at = r->at;
    const int64_t since_2000_us = (int64_t)reader_u64(r);
    int64_t us = 0;

    if (__builtin_add_overflow(since_2000_us, EPOCH_2000_US, &us)) {
        reader_fail(r, at, "a time out of range");
    }
    return us;
}

static void read_value(struct reader *r, struct pgo_value *v)
{
    const size_t at = r->at;
    const uint8_t kind = reader_u8(r);

    v->text = (struct str){ 0 };
    switch (kind) {
    case PGO_TEXT: v->text = reader_bytes(r, reader_u32(r)); break;
    case PGO_NULL: break;
    case PGO_UNCHANGED: break;
    case 'b':
        reader_fail(r, at, "a binary value, though text was asked for");
        break;
    default: reader_fail(r, at, "an unknown kind of value"); break;
    }
    v->kind = (enum pgo_kind)kind;
}

static void read_tuple(struct reader *r, struct pgo_tuple *tuple)
{
    const size_t at = r->at;
    const unsigned count = reader_u16(r);

    if (count > SHAPE_COLUMNS_MAX) {
        reader_fail(r, at, "more columns than PostgreSQL allows");
    }
    tuple->count = 0;
    for (unsigned n = 0; n < count && reader_ok(r); n++) {
        read_value(r, &tuple->values[n]);
    }
    if (reader_ok(r)) {
        tuple->count = count;
    }
}

static void read_begin(struct reader *r, struct pgo_msg *m)
{
    m->final_lsn = reader_u64(r);
    m->commit_us = read_time_us(r);
    m->xid = reader_u32(r);
}

static void read_commit(struct reader *r, struct pgo_msg *m)
{
    const size_t at = r->at;

    /* PostgreSQL's own subscriber refuses any flag too: none is defined. */
    if (reader_u8(r) != 0) {
        reader_fail(r, at, "unknown flags of a commit");
    }
    m->final_lsn = reader_u64(r);
    m->end_lsn = reader_u64(r);
    m->commit_us = read_time_us(r);
}

static void read_origin(struct reader *r, struct pgo_msg *m)
{
    m->message_lsn = reader_u64(r);
    m->name = reader_z(r);
}

static void read_column(struct reader *r, struct pgo_column *c)
{
    c->identity = (reader_u8(r) & COLUMN_IDENTITY) != 0;
    c->name = reader_z(r);
    c->type_oid = reader_u32(r);
    c->typmod = (int32_t)reader_u32(r);
}

static void read_relation(struct reader *r, struct pgoutput *pgo,
                          struct pgo_msg *m)
{
    m->oid = reader_u32(r);
    m->schema = reader_z(r);
    m->name = reader_z(r);

    size_t at = r->at;

    m->identity = (char)reader_u8(r);
    if (m->identity != 'd' && m->identity != 'n' && m->identity != 'f' &&
        m->identity != 'i') {
        reader_fail(r, at, "an unknown replica identity");
    }
    at = r->at;
    m->column_count = reader_u16(r);
    if (m->column_count > SHAPE_COLUMNS_MAX) {
        reader_fail(r, at, "more columns than PostgreSQL allows");
    }
    for (unsigned n = 0; n < m->column_count && reader_ok(r); n++) {
        read_column(r, &pgo->columns[n]);
    }
}

static void read_type(struct reader *r, struct pgo_msg *m)
{
    m->oid = reader_u32(r);
    m->schema = reader_z(r);
    m->name = reader_z(r);
}

/* ('K' | 'O') tuple; `mark` is the byte already read, at `at`. */
static void read_old(struct reader *r, struct pgoutput *pgo, struct pgo_msg *m,
                     uint8_t mark, size_t at)
{
    if (mark != 'K' && mark != 'O') {
        reader_fail(r, at, "neither an old nor a new row");
        return;
    }
    m->has_old = true;
    m->old_kind = (char)mark;
    read_tuple(r, &pgo->old_row);
}

/* 'N' tuple; `mark` is the byte already read, at `at`. */
static void read_new(struct reader *r, struct pgoutput *pgo, uint8_t mark,
                     size_t at)
{
    if (mark != 'N') {
        reader_fail(r, at, "the new row is missing");
        return;
    }
    read_tuple(r, &pgo->new_row);
}

static void read_insert(struct reader *r, struct pgoutput *pgo,
                        struct pgo_msg *m)
{
    m->oid = reader_u32(r);

    const size_t at = r->at;

    read_new(r, pgo, reader_u8(r), at);
}

static void read_update(struct reader *r, struct pgoutput *pgo,
                        struct pgo_msg *m)
{
    m->oid = reader_u32(r);

    size_t at = r->at;
    uint8_t mark = reader_u8(r);

    if (mark != 'N') {
        read_old(r, pgo, m, mark, at);
        at = r->at;
        mark = reader_u8(r);
    }
    read_new(r, pgo, mark, at);
}

static void read_delete(struct reader *r, struct pgoutput *pgo,
                        struct pgo_msg *m)
{
    m->oid = reader_u32(r);

    const size_t at = r->at;

    read_old(r, pgo, m, reader_u8(r), at);
}

static void read_truncate(struct reader *r, struct pgoutput *pgo,
                          struct pgo_msg *m)
{
    const size_t at = r->at;

    m->truncate_count = reader_u32(r);
    m->truncate_options = reader_u8(r);
    if (m->truncate_count > PGO_TRUNCATE_MAX) {
        reader_fail(r, at, "too many tables in one TRUNCATE");
    }
    for (unsigned n = 0; n < m->truncate_count && reader_ok(r); n++) {
        pgo->truncated[n] = reader_u32(r);
    }
}

static void read_message(struct reader *r, struct pgo_msg *m)
{
    const size_t at = r->at;
    const uint8_t flags = reader_u8(r);

    if ((flags & ~MESSAGE_TRANSACTIONAL) != 0) {
        reader_fail(r, at, "unknown flags of a logical message");
    }
    m->transactional = (flags & MESSAGE_TRANSACTIONAL) != 0;
    m->message_lsn = reader_u64(r);
    m->prefix = reader_z(r);
    m->content = reader_bytes(r, reader_u32(r));
}

static void read_body(struct reader *r, struct pgoutput *pgo, struct pgo_msg *m,
                      uint8_t type)
{
    switch (type) {
    case PGO_BEGIN: read_begin(r, m); break;
    case PGO_COMMIT: read_commit(r, m); break;
    case PGO_ORIGIN: read_origin(r, m); break;
    case PGO_RELATION: read_relation(r, pgo, m); break;
    case PGO_TYPE: read_type(r, m); break;
    case PGO_INSERT: read_insert(r, pgo, m); break;
    case PGO_UPDATE: read_update(r, pgo, m); break;
    case PGO_DELETE: read_delete(r, pgo, m); break;
    case PGO_TRUNCATE: read_truncate(r, pgo, m); break;
    case PGO_MESSAGE: read_message(r, m); break;
    default: reader_fail(r, 0, "an unknown type of message"); break;
    }
    m->type = (enum pgo_type)type;
    reader_end(r);
}

/* The letter of a message for an error text, harmless whatever it is. */
static char letter_shown(uint8_t type)
{
    return type > ' ' && type < 0x7f ? (char)type : '?';
}

int pgoutput_decode(struct pgoutput *pgo, struct str message,
                    struct pgo_msg *ret_msg, struct err *e)
{
    struct pgo_msg m = { 0 };
    struct reader r;

    reader_init(&r, message);

    const uint8_t type = reader_u8(&r);

    read_body(&r, pgo, &m, type);
    if (!reader_ok(&r)) {
        return err_set(e, ERR_FATAL,
                       "pgoutput message '%c' (0x%02x), byte %zu of %zu: %s",
                       letter_shown(type), type, r.why_at, message.len, r.why);
    }
    *ret_msg = m;
    return 0;
}

#include "sink-es/bulk.h"

#include <openssl/evp.h>

#include "common/json.h"
#include "common/slice.h"

enum { NAME_BYTES_MAX = 64 << 10, DIGEST_BYTES = 32 };

#define HASH_PREFIX "sha256:"

int bulk_table_init(struct bulk_table *t, const struct shape *shape,
                    struct str alias, struct err *e)
{
    const struct shape_column *first = shape_key_column(shape, 1);
    bool ok;

    *t = (struct bulk_table){
        .shape = shape,
        .names = xcalloc(shape->key_count, sizeof(*t->names)),
        .key_count = shape->key_count,
        .raw = first && (first->array || first->class == SHAPE_JSON),
    };
    buf_init(&t->index, NAME_BYTES_MAX);
    json_string(&t->index, alias);
    ok = buf_ok(&t->index);
    for (unsigned i = 0; i < shape->key_count; i++) {
        buf_init(&t->names[i], NAME_BYTES_MAX);
        json_escape(&t->names[i], str_of(shape_key_column(shape, i + 1)->name));
        ok &= buf_ok(&t->names[i]);
    }
    if (!ok) {
        bulk_table_fini(t);
        return err_set(e, ERR_FATAL, "%s.%s: a name is no UTF-8", shape->schema,
                       shape->name);
    }
    return 0;
}

void bulk_table_fini(struct bulk_table *t)
{
    for (unsigned i = 0; i < t->key_count; i++) {
        buf_fini(&t->names[i]);
    }
    xfree(t->names);
    buf_fini(&t->index);
    *t = (struct bulk_table){ 0 };
}

static int key_refuse(struct err *e)
{
    return err_set(e, ERR_INPUT, "the record's key is not the table's key");
}

/* Appends the JSON array of the key's values; `ret_first` is the first. */
static int key_array(struct buf *b, const struct bulk_table *t, struct str key,
                     struct str *ret_first, struct err *e)
{
    struct slice s;
    struct str name, value;
    enum slice_result rc = SLICE_BAD;
    unsigned count = 0;

    buf_char(b, '[');
    if (slice_object(&s, key)) {
        rc = slice_member(&s, &name, &value);
    }
    for (; rc == SLICE_ITEM; rc = slice_member(&s, &name, &value)) {
        if (count == t->key_count || !str_eq(name, buf_str(&t->names[count]))) {
            return key_refuse(e);
        }
        if (count == 0) {
            *ret_first = value;
        } else {
            buf_char(b, ',');
        }
        buf_str_add(b, value);
        count++;
    }
    buf_char(b, ']');
    return rc == SLICE_END && count == t->key_count && count > 0
               ? 0
               : key_refuse(e);
}

static bool begins_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && memcmp(s.p, prefix.p, prefix.len) == 0;
}

/* Replaces what stands behind `from` by its digest. */
static int hash_replace(struct buf *b, size_t from, struct err *e)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (EVP_Digest(b->p + from, b->len - from, digest, &len, EVP_sha256(),
                   NULL) != 1 ||
        len != DIGEST_BYTES) {
        return err_set(e, ERR_FATAL, "libcrypto has no SHA-256");
    }
    b->len = from;
    buf_lit(b, HASH_PREFIX);
    for (unsigned i = 0; i < len; i++) {
        buf_char(b, digits[digest[i] >> 4]);
        buf_char(b, digits[digest[i] & 15]);
    }
    return 0;
}

int bulk_id(struct buf *b, const struct bulk_table *t, struct str key,
            struct err *e)
{
    size_t from = b->len;
    struct str first = { 0 };

    /* the array first: both other forms are made from it */
    if (key_array(b, t, key, &first, e) < 0) {
        return -1;
    }
    if (t->key_count == 1) {
        size_t array_end = b->len;
        struct str text;

        if (t->raw || first.p[0] != '"') {
            buf_str_add(b, first);
        } else if (!slice_string(first, b)) {
            return key_refuse(e);
        }
        text = (struct str){ b->p + array_end, b->len - array_end };
        if (text.len > 0 && text.len <= BULK_ID_BYTES_MAX && text.p[0] != '[' &&
            !begins_with(text, STR(HASH_PREFIX))) {
            memmove(b->p + from, text.p, text.len);
            b->len = from + text.len;
            return 0;
        }
        b->len = array_end;
        if (text.len > BULK_ID_BYTES_MAX) {
            return hash_replace(b, from, e);
        }
    }
    return b->len - from > BULK_ID_BYTES_MAX ? hash_replace(b, from, e) : 0;
}

static bool is_deletion(const struct item *it)
{
    return it->ev.tombstone || it->ev.op == EVENT_DELETE;
}

/* The document's line. A record that another producer wrote may hold line
   breaks between tokens, which would forge lines of the request. */
static void document_add(struct buf *b, struct str after)
{
    if (memchr(after.p, '\n', after.len)) {
        json_one_line(b, after);
    } else {
        buf_str_add(b, after);
    }
    buf_char(b, '\n');
}

int bulk_put(struct buf *body, struct buf *scratch, const struct bulk_table *t,
             const struct item *it, struct err *e)
{
    bool deletion = is_deletion(it);
    size_t before = body->len;

    buf_reset(scratch);
    if (bulk_id(scratch, t, it->ev.key, e) < 0) {
        return -1;
    }
    if (!deletion && (it->ev.after.len == 0 || it->ev.after.p[0] != '{')) {
        return err_set(e, ERR_INPUT, "the row is no JSON object");
    }
    if (!buf_ok(scratch) || !buf_ok(body)) {
        return err_set(e, ERR_INPUT, "the request is too large");
    }
    if (deletion) {
        buf_lit(body, "{\"delete\":{\"_index\":");
    } else {
        buf_lit(body, "{\"index\":{\"_index\":");
    }
    buf_str_add(body, buf_str(&t->index));
    buf_lit(body, ",\"_id\":");
    json_string(body, buf_str(scratch));
    buf_lit(body, ",\"version\":");
    buf_u64(body, it->version);
    buf_lit(body, ",\"version_type\":\"external\"}}\n");
    if (!deletion) {
        document_add(body, it->ev.after);
    }
    if (!buf_ok(body)) {
        body->failed = false;
        body->len = before;
        return err_set(e, ERR_INPUT,
                       "the key is no UTF-8, or the row is too large");
    }
    return 0;
}

void bulk_guard(struct buf *body, const struct bulk_table *t)
{
    /* no document has this _id: the digest is missing */
    buf_lit(body, "{\"update\":{\"_index\":");
    buf_str_add(body, buf_str(&t->index));
    buf_lit(body, ",\"_id\":\"" HASH_PREFIX "guard\"}}\n{\"doc\":{}}\n");
}

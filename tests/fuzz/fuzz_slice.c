/* links: cdc_base */
/*
 * Any text as JSON. What the slicer cuts out of it must stand where a plain
 * reader, byte by byte, sees a value of the outermost object or array. A
 * string that it decodes must come back the same through our writer.
 */
#include "common/json.h"
#include "common/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How deep each byte stands, and the end; a byte of a string counts one
   more. */
static void depths_fill(struct str json, int *depth)
{
    bool inside = false, escaped = false;
    int now = 0;

    for (size_t i = 0; i < json.len; i++) {
        char c = json.p[i];

        depth[i] = now + inside;
        if (inside) {
            inside = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if (c == '"') {
            inside = true;
        } else if (c == '{' || c == '[') {
            now++;
        } else if (c == '}' || c == ']') {
            now--;
        }
    }
    depth[json.len] = now;
}

/* A value begins and ends at depth 1, and no separator of that depth is in
   it. */
static void value_check(struct str json, const int *depth, struct str value)
{
    size_t from = (size_t)(value.p - json.p), to = from + value.len;

    CHECK(value.p >= json.p && to <= json.len && value.len > 0);
    CHECK(depth[from] == 1 && depth[to] == 1);
    for (size_t i = from; i < to; i++) {
        CHECK(depth[i] > 1 || (json.p[i] != ',' && json.p[i] != ':'));
    }
}

static void string_check(struct str value)
{
    struct buf text, raw, again;

    buf_init(&text, 1 << 20);
    buf_init(&raw, 1 << 20);
    buf_init(&again, 1 << 20);
    if (slice_string(value, &text)) {
        json_string(&raw, buf_str(&text));
        if (buf_ok(&raw)) { /* else it holds bytes that are no UTF-8 */
            CHECK(slice_string(buf_str(&raw), &again));
            CHECK(str_eq(buf_str(&text), buf_str(&again)));
        }
    } else {
        CHECK(text.len == 0);
    }
    buf_fini(&text);
    buf_fini(&raw);
    buf_fini(&again);
}

static void number_check(struct str value)
{
    struct buf text;
    uint64_t u;
    int64_t i;

    buf_init(&text, 100);
    if (slice_u64(value, &u)) {
        buf_u64(&text, u);
        CHECK(str_eq(value, buf_str(&text)));
        CHECK(json_is_number(value));
    }
    buf_reset(&text);
    if (slice_i64(value, &i) && i != 0) { /* "-0" is a number, too */
        buf_i64(&text, i);
        CHECK(str_eq(value, buf_str(&text)));
    }
    buf_fini(&text);
}

/* Returns how many values were cut before the end, or -1 when it is bad. */
static int cut(struct str json, const int *depth, bool array)
{
    struct slice s;
    struct str name = STR(""), value;
    enum slice_result rc = SLICE_BAD;
    int count = 0;

    if (array ? slice_array(&s, json) : slice_object(&s, json)) {
        while ((rc = array ? slice_element(&s, &value)
                           : slice_member(&s, &name, &value)) == SLICE_ITEM) {
            value_check(json, depth, value);
            string_check(value);
            number_check(value);
            count++;
        }
    }
    if (rc == SLICE_BAD) {
        CHECK(s.p && (size_t)(s.p - json.p) <= json.len);
        return -1;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str json = { (const char *)data, size }, value;
    int *depth = xcalloc(size + 1, sizeof(*depth));
    int members;

    depths_fill(json, depth);
    members = cut(json, depth, false);
    CHECK(members < 0 || cut(json, depth, true) < 0);
    (void)slice_find(json, STR("after"), &value);
    xfree(depth);
    return 0;
}

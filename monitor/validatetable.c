#include "monitor/validatetable.h"

#include "common/clock.h"
#include "common/log.h"

enum { PROGRESS_ROWS = 20000, SAMPLE_PARTS = 1000000 };

void validate_work_fini(struct validate_work *w)
{
    xfree(w->todo);
    bucket_set_fini(&w->looked);
    drill_fini(&w->drill);
    *w = (struct validate_work){ 0 };
}

static void progress(const struct validate_run *run,
                     const struct validate_work *w, const char *what,
                     uint64_t rows)
{
    if (run->options->progress) {
        run->options->progress(run->options->progress_arg, w->result->label,
                               what, rows);
    }
}

/* ---- reading ------------------------------------------------------------ */

/* One side being read. */
struct reading {
    struct validate_run *run;
    struct validate_work *w;
    const char *title;
    uint64_t rows;
    enum canon_side side;
    uint64_t sample; /* of SAMPLE_PARTS; 0: all */
};

static void reading_count(struct reading *r)
{
    r->rows++;
    if (r->rows % PROGRESS_ROWS == 0) {
        progress(r->run, r->w, r->title, r->rows);
    }
}

/* The first check: sums. */
static int on_sum(void *arg, const struct canonrow *row, uint64_t version,
                  struct err *e)
{
    struct reading *r = arg;

    (void)version;
    (void)e;
    reading_count(r);
    if (r->sample == 0 || row->key_hash.lo % SAMPLE_PARTS < r->sample) {
        buckets_add(&r->run->sums[r->side], row->key_hash, row->row_hash);
    }
    return 0;
}

/* Later checks: the keys of the buckets that are looked into. */
static int on_key(void *arg, const struct canonrow *row, uint64_t version,
                  struct err *e)
{
    struct reading *r = arg;

    (void)e;
    reading_count(r);
    if (r->sample > 0 && row->key_hash.lo % SAMPLE_PARTS >= r->sample) {
        return 0;
    }
    if (bucket_set_has(&r->w->looked, buckets_of(row->key_hash)) &&
        drill_wants(&r->w->drill, row->key_hash)) {
        drill_see(&r->w->drill, row, version);
    }
    return 0;
}

static int read_ch_side(struct validate_run *run, struct validate_work *w,
                        const struct reader *to, struct err *e)
{
    struct validate_target *target = &w->result->targets[CANON_CH];
    bool *columns = xcalloc(w->table->shape.column_count, sizeof(*columns));
    int rc =
        read_ch_columns(run->ch, &w->table->shape, columns, &target->exists, e);

    if (rc == 0 && target->exists) {
        rc = read_ch_rows(run->ch, columns, to, e);
    }
    xfree(columns);
    return rc;
}

static int read_es_side(struct validate_run *run, struct validate_work *w,
                        const struct reader *to, struct err *e)
{
    struct validate_target *target = &w->result->targets[CANON_ES];

    if (read_es_refresh(run->es, w->table->alias, &target->exists, e) < 0) {
        return -1;
    }
    return target->exists ? read_es_rows(run->es, w->table->alias, to, e) : 0;
}

/* Reads a side to its end. `ret_rows` may be NULL. */
static int side_read(struct reading *r, const struct reader *to,
                     uint64_t *ret_rows, struct err *e)
{
    int64_t began_ms = clock_ms();
    int rc;

    r->rows = 0;
    r->title =
        r->side == CANON_PG ? "PostgreSQL" : validate_target_title(r->side);
    progress(r->run, r->w, r->title, 0);
    rc = r->side == CANON_PG
             ? read_pg_rows(r->run->pg, r->w->table->source, to, e)
         : r->side == CANON_ES ? read_es_side(r->run, r->w, to, e)
                               : read_ch_side(r->run, r->w, to, e);
    if (rc == 0 && ret_rows) {
        *ret_rows = r->rows;
    }
    log_debug("rows read", "table=%s side=%s rows=%llu took_ms=%lld",
              r->w->result->label, r->title, (unsigned long long)r->rows,
              (long long)(clock_ms() - began_ms));
    return rc < 0 ? err_wrap(e, "%s", r->w->result->label) : 0;
}

/* Reads all sides of a table once. */
static int sides_read(struct validate_run *run, struct validate_work *w,
                      reader_fn *fn, bool first, struct err *e)
{
    double sample = run->options->sample;
    struct reading r = { .run = run, .w = w };
    struct canonrow row;
    struct reader to = { .row = &row, .fn = fn, .arg = &r };
    int rc;

    if (sample > 0 && sample < 100) {
        r.sample = (uint64_t)(sample / 100 * SAMPLE_PARTS + 0.5);
        r.sample += r.sample == 0;
    }
    canonrow_init(&row, &w->table->shape);
    rc = read_pg_fit(run->pg, w->table->source, &row, &w->result->fit, e);
    for (int side = 0; rc == 0 && side < CANON_SIDES; side++) {
        uint64_t *rows = side == CANON_PG ? &w->result->rows
                                          : &w->result->targets[side].rows;

        r.side = (enum canon_side)side;
        if (side == CANON_PG || run->targets[side]) {
            rc = side_read(&r, &to, first ? rows : NULL, e);
        }
    }
    canonrow_fini(&row);
    return rc;
}

/* ---- the first check ---------------------------------------------------- */

static uint32_t apart(uint64_t a, uint64_t b)
{
    uint64_t d = a > b ? a - b : b - a;

    return d < UINT32_MAX ? (uint32_t)d : UINT32_MAX;
}

/* What is known of a bucket that differs at one target or more. */
static void todo_add(const struct validate_run *run, struct validate_work *w,
                     unsigned bucket, const struct bucket_set *differ)
{
    struct validate_todo *todo = &w->todo[w->todo_count++];
    uint64_t source = run->sums[CANON_PG].list[bucket].rows;

    *todo = (struct validate_todo){ .bucket = bucket };
    todo->rows = apart(source, 0);
    for (int side = CANON_ES; side < CANON_SIDES; side++) {
        uint64_t rows;

        if (!bucket_set_has(&differ[side], bucket)) {
            continue;
        }
        rows = run->sums[side].list[bucket].rows;
        /* all keys of the bucket may be other ones */
        todo->rows += apart(rows, 0);
        todo->off[side] = apart(rows, source);
        todo->off[side] += todo->off[side] == 0;
    }
}

/* First what differs at the target that is wrong in fewer places: a target
   that lost everything must not hide one row of the other. */
static void todo_list(const struct validate_run *run, struct validate_work *w,
                      const struct bucket_set *differ)
{
    bool es_first = differ[CANON_ES].count > 0 &&
                    (differ[CANON_CH].count == 0 ||
                     differ[CANON_ES].count <= differ[CANON_CH].count);
    const struct bucket_set *first = &differ[es_first ? CANON_ES : CANON_CH];
    const struct bucket_set *second = &differ[es_first ? CANON_CH : CANON_ES];

    for (unsigned i = 0; i < BUCKETS_COUNT; i++) {
        if (bucket_set_has(first, i)) {
            todo_add(run, w, i, differ);
        }
    }
    for (unsigned i = 0; i < BUCKETS_COUNT; i++) {
        if (bucket_set_has(second, i) && !bucket_set_has(first, i)) {
            todo_add(run, w, i, differ);
        }
    }
}

static void todo_make(const struct validate_run *run, struct validate_work *w)
{
    struct bucket_set differ[CANON_SIDES] = { { 0 } };

    for (int side = CANON_ES; side < CANON_SIDES; side++) {
        if (run->targets[side]) {
            buckets_compare(&run->sums[CANON_PG], &run->sums[side],
                            &differ[side]);
        }
    }
    if (differ[CANON_ES].count + differ[CANON_CH].count > 0) {
        w->todo = xcalloc(differ[CANON_ES].count + differ[CANON_CH].count,
                          sizeof(*w->todo));
        todo_list(run, w, differ);
    }
    for (int side = 0; side < CANON_SIDES; side++) {
        bucket_set_fini(&differ[side]);
    }
}

static int rows_first(struct validate_run *run, struct validate_work *w,
                      struct err *e)
{
    for (int side = 0; side < CANON_SIDES; side++) {
        buckets_clear(&run->sums[side]);
    }
    if (sides_read(run, w, on_sum, true, e) < 0) {
        return -1;
    }
    run->total += w->result->rows;
    todo_make(run, w);
    return 0;
}

/* ---- counts alone ------------------------------------------------------- */

static int target_count(struct validate_run *run, struct validate_work *w,
                        enum canon_side side, uint64_t *ret_rows, struct err *e)
{
    struct validate_target *target = &w->result->targets[side];
    bool *columns;
    int rc;

    *ret_rows = 0;
    if (side == CANON_ES) {
        rc = read_es_refresh(run->es, w->table->alias, &target->exists, e);
        return rc == 0 && target->exists
                   ? read_es_count(run->es, w->table->alias, ret_rows, e)
                   : rc;
    }
    columns = xcalloc(w->table->shape.column_count, sizeof(*columns));
    rc =
        read_ch_columns(run->ch, &w->table->shape, columns, &target->exists, e);
    xfree(columns);
    return rc == 0 && target->exists
               ? read_ch_count(run->ch, &w->table->shape, ret_rows, e)
               : rc;
}

/* Sum of the ends of the table's topic: the same twice means that nothing
   happened to the table in between. */
static uint64_t topic_ends(const struct validate_run *run,
                           const struct validate_work *w)
{
    const struct lag_topic *topic =
        lag_find(run->lag, str_of(w->table->shape.topic));
    uint64_t sum = 0;

    for (unsigned i = 0; topic && i < topic->part_count; i++) {
        sum += (uint64_t)topic->parts[i].high;
    }
    return sum;
}

/* Is a count wrong? Known for certain only of a table that stands still:
   when its topic's ends are the same at two fences, then the target's count
   behind the first and the source's at the second are of the same moment. */
static int counts_check(struct validate_run *run, struct validate_work *w,
                        uint64_t source, struct err *e)
{
    uint64_t ends = topic_ends(run, w);
    bool still = w->last_known && w->last_ends == ends, open = false;

    w->result->rows = source;
    for (int side = CANON_ES; side < CANON_SIDES; side++) {
        struct validate_target *target = &w->result->targets[side];

        if (!run->targets[side]) {
            continue;
        }
        if (!still && target_count(run, w, (enum canon_side)side,
                                   &w->last[side], e) < 0) {
            return err_wrap(e, "%s", w->result->label);
        }
        target->rows = w->last[side];
        target->off_by = still ? apart(w->last[side], source) : 0;
        target->in_motion = still ? 0 : apart(w->last[side], source);
        open |= target->in_motion > 0;
    }
    w->last_ends = ends;
    w->last_known = true;
    w->count_open = open;
    return 0;
}

int validate_table_first(struct validate_run *run, struct validate_work *w,
                         struct err *e)
{
    const struct validate_options *o = run->options;
    uint64_t rows = 0;
    bool unread = w->table->state != SCOPE_READY;

    if ((unread || o->rows_max > 0 || o->total_max > 0) &&
        read_pg_count(run->pg, w->table->source, &rows, e) < 0) {
        return err_wrap(e, "%s", w->result->label);
    }
    if (unread) {
        w->result->rows = rows;
        return 0;
    }
    if ((o->rows_max > 0 && rows > o->rows_max) ||
        (o->total_max > 0 && run->total + rows > o->total_max)) {
        w->result->counts_only = true;
        return counts_check(run, w, rows, e);
    }
    return rows_first(run, w, e);
}

/* ---- later checks ------------------------------------------------------- */

unsigned validate_table_begin(struct validate_work *w, unsigned keys)
{
    unsigned taken = 0;

    while (w->todo_next < w->todo_count) {
        const struct validate_todo *todo = &w->todo[w->todo_next];

        if (taken > 0 && taken + todo->rows > keys) {
            break;
        }
        bucket_set_add(&w->looked, todo->bucket);
        taken += todo->rows;
        w->todo_next++;
    }
    if (taken > 0) {
        /* keys that come in meanwhile find room too */
        drill_init(&w->drill, taken + taken / 2 + 1000);
        w->drilling = true;
    }
    return taken;
}

bool validate_table_open(const struct validate_work *w)
{
    return w->count_open ||
           (w->drilling && (!w->drill.closed || drill_open(&w->drill) > 0));
}

int validate_table_again(struct validate_run *run, struct validate_work *w,
                         struct err *e)
{
    uint64_t rows;

    if (w->result->counts_only) {
        if (read_pg_count(run->pg, w->table->source, &rows, e) < 0) {
            return err_wrap(e, "%s", w->result->label);
        }
        return counts_check(run, w, rows, e);
    }
    drill_begin(&w->drill);
    if (sides_read(run, w, on_key, false, e) < 0) {
        return -1;
    }
    drill_judge(&w->drill, run->targets);
    return 0;
}

static void key_list(struct validate_target *target, enum drill_kind kind,
                     struct str text)
{
    if (target->key_count == VALIDATE_LISTED_MAX) {
        return;
    }
    if (!target->keys) {
        target->keys = xcalloc(VALIDATE_LISTED_MAX, sizeof(*target->keys));
    }
    target->keys[target->key_count++] =
        (struct validate_key){ .kind = kind,
                               .text = xstrndup(text.p, text.len) };
}

/* Returns whether something is certain. */
static bool drill_take(struct validate_work *w, enum canon_side side)
{
    struct validate_target *target = &w->result->targets[side];
    bool certain = false;

    for (unsigned i = 0; i < w->drill.count; i++) {
        const struct drill_key *key = &w->drill.keys[i];
        const struct drill_target *t = &key->targets[side];

        target->in_motion += t->state == DRILL_SUSPECT;
        if (t->state == DRILL_CONFIRMED) {
            target->counts[t->kind]++;
            key_list(target, t->kind, drill_text(&w->drill, key));
            certain = true;
        }
    }
    return certain;
}

void validate_table_end(struct validate_work *w)
{
    bool certain = false;

    w->count_open = false;
    if (!w->drilling) {
        return;
    }
    for (int side = CANON_ES; side < CANON_SIDES; side++) {
        certain |= drill_take(w, (enum canon_side)side);
    }
    /* The table is wrong: the rest is counted, not looked into. */
    for (; certain && w->todo_next < w->todo_count; w->todo_next++) {
        for (int side = CANON_ES; side < CANON_SIDES; side++) {
            w->result->targets[side].more += w->todo[w->todo_next].off[side];
        }
    }
    drill_fini(&w->drill);
    bucket_set_fini(&w->looked);
    w->drilling = false;
}

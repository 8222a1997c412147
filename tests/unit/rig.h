/*
 * rig.h - a batch of made-up items about two tables, for tests of what a
 * target does with a batch.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/sink.h"

enum { RIG_ITEMS_MAX = 2000 };

static struct shape_column rig_columns[] = {
    { .name = (char[]){ "id" },
      .class = SHAPE_TEXT,
      .typmod = -1,
      .key_index = 1 },
};

static struct shape rig_shapes[] = {
    { .schema = (char[]){ "public" },
      .name = (char[]){ "A" },
      .topic = (char[]){ "cdc.public.A" },
      .profile = (char[]){ "sink" },
      .column_count = 1,
      .key_count = 1,
      .columns = rig_columns },
    { .schema = (char[]){ "public" },
      .name = (char[]){ "B" },
      .topic = (char[]){ "cdc.public.B" },
      .profile = (char[]){ "sink" },
      .column_count = 1,
      .key_count = 1,
      .columns = rig_columns },
};

struct rig {
    struct batch batch;
    struct item items[RIG_ITEMS_MAX];
    char keys[RIG_ITEMS_MAX][64];
};

static inline void rig_init(struct rig *r)
{
    r->batch.items = r->items;
    r->batch.send_by_ms = INT64_MAX;
}

/* An event of table A (0) or B (1); its version is its number from 1. */
static inline struct item *rig_add(struct rig *r, unsigned table,
                                   const char *key, enum event_op op)
{
    unsigned i = r->batch.count++;
    struct item *it = &r->items[i];

    (void)snprintf(r->keys[i], sizeof(r->keys[i]), "{\"id\":\"%s\"}", key);
    it->shape = &rig_shapes[table];
    it->version = i + 1;
    it->ev.op = op;
    it->ev.key = str_of(r->keys[i]);
    if (op != EVENT_DELETE) {
        it->ev.after = it->ev.key;
    }
    return it;
}

static inline void rig_verdicts_are(const struct rig *r, enum verdict verdict)
{
    for (unsigned i = 0; i < r->batch.count; i++) {
        assert_int_equal(r->items[i].verdict, verdict);
    }
}

static inline bool holds(struct str text, const char *part)
{
    return memmem(text.p, text.len, part, strlen(part)) != NULL;
}

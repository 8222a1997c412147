#include "common/rowversion.h"

#include <assert.h>

#include <xxhash.h>

static_assert(ROWVERSION_SEQ_COPIED == (1 << ROWVERSION_SEQ_BITS) - 1,
              "copied rows have the highest number of a commit");
static_assert(ROWVERSION_SEQ_LAST == ROWVERSION_SEQ_COPIED - 1,
              "streamed events end below copied rows");

enum { LSN_SHIFT = 5 };

bool rowversion_fits(uint64_t lsn_base, uint64_t commit_lsn)
{
    uint64_t lsn;

    return !__builtin_add_overflow(lsn_base, commit_lsn, &lsn) &&
           lsn >> LSN_SHIFT < 1ULL << (63 - ROWVERSION_SEQ_BITS);
}

uint64_t rowversion_make(uint64_t lsn_base, uint64_t commit_lsn, unsigned seq)
{
    CHECK(seq <= ROWVERSION_SEQ_COPIED);
    CHECK(rowversion_fits(lsn_base, commit_lsn));
    return (lsn_base + commit_lsn) >> LSN_SHIFT << ROWVERSION_SEQ_BITS | seq;
}

void rowseq_begin(struct rowseq *s)
{
    s->generation++;
    if (s->generation == 0) { /* after 2^32 transactions */
        memset(s->counter, 0, sizeof(s->counter));
        s->generation = 1;
    }
    s->floor = 0;
    s->given_max = 0;
    s->exhausted = false;
}

/* Clamps the wanted number, notes it as given. */
static unsigned give(struct rowseq *s, unsigned seq)
{
    if (seq > ROWVERSION_SEQ_LAST) {
        seq = ROWVERSION_SEQ_LAST;
        s->exhausted = true;
    }
    if (s->given_max <= seq) {
        s->given_max = (uint16_t)(seq + 1);
    }
    return seq;
}

unsigned rowseq_next(struct rowseq *s, struct str table, struct str key)
{
    XXH64_hash_t seed = XXH3_64bits(table.p, table.len);
    XXH64_hash_t hash = XXH3_64bits_withSeed(key.p, key.len, seed);
    unsigned i = (unsigned)(hash % ROWVERSION_COUNTERS);
    unsigned seq = 0;

    if (s->counter[i].generation == s->generation) {
        seq = s->counter[i].next;
    }
    seq = give(s, seq > s->floor ? seq : s->floor);
    s->counter[i].generation = s->generation;
    s->counter[i].next = (uint16_t)(seq + 1);
    return seq;
}

unsigned rowseq_truncate(struct rowseq *s)
{
    unsigned seq = give(s, s->given_max);

    s->floor = (uint16_t)(seq + 1);
    return seq;
}

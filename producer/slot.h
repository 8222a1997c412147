/*
 * slot.h - the replication slot as the server shows it, held against what
 * state remembers (DESIGN 4.1).
 */
#pragma once

#include "producer/state.h"

struct slot {
    bool exists;
    bool active;
    int active_pid;
    bool ours; /* logical, pgoutput, of this database */
    bool lost; /* wal_status lost, or conflicting */
    bool two_phase;
    uint64_t confirmed_lsn;
};

int slot_read(PGconn *conn, const char *name, struct slot *ret_slot,
              struct err *e) MUST_CHECK;

/* Whether streaming may go on from `st`. ERR_RETRY while another session
   holds the slot; ERR_FATAL, naming the remedy, for a slot that is lost,
   dropped, made by someone else, or ahead of state. */
int slot_judge(const struct slot *slot, const char *name,
               const struct state *st, struct err *e) MUST_CHECK;

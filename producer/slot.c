#include "producer/slot.h"

#include "producer/catalog.h"

static const char SLOT_SQL[] =
    "SELECT active, coalesce(active_pid, 0), slot_type = 'logical'"
    " AND plugin = 'pgoutput'"
    " AND database = pg_catalog.current_database(),"
    " coalesce(wal_status = 'lost', false), two_phase,"
    " coalesce(confirmed_flush_lsn, '0/0')"
    " FROM pg_catalog.pg_replication_slots WHERE slot_name = $1";

int slot_read(PGconn *conn, const char *name, struct slot *ret_slot,
              struct err *e)
{
    const char *params[] = { name };
    PGresult *res = NULL;

    if (pgconn_query(conn, SLOT_SQL, params, 1, CATALOG_TIMEOUT_MS, &res, e) <
        0) {
        return err_wrap(e, "reading slot \"%s\"", name);
    }
    struct slot s = { .exists = PQntuples(res) == 1 };
    if (s.exists) {
        s.active = PQgetvalue(res, 0, 0)[0] == 't';
        s.active_pid = (int)strtoll(PQgetvalue(res, 0, 1), NULL, 10);
        s.ours = PQgetvalue(res, 0, 2)[0] == 't';
        s.lost = PQgetvalue(res, 0, 3)[0] == 't';
        s.two_phase = PQgetvalue(res, 0, 4)[0] == 't';
        (void)lsn_parse(PQgetvalue(res, 0, 5), &s.confirmed_lsn);
    }
    PQclear(res);
    *ret_slot = s;
    return 0;
}

/* What is missing behind the slot never comes again by itself. */
#define START_ANEW                                                        \
    "start with another CDC_NAME, which makes a new slot and copies all " \
    "tables"

int slot_judge(const struct slot *slot, const char *name,
               const struct state *st, struct err *e)
{
    if (!slot->exists) {
        if (!st->exists) {
            return 0; /* a new pipeline */
        }
        return err_set(e, ERR_FATAL,
                       "slot \"%s\" is gone, and with it the changes since"
                       " LSN %X/%X; " START_ANEW,
                       name, LSN_ARG(st->confirmed_lsn));
    }
    if (!slot->ours || slot->two_phase) {
        return err_set(e, ERR_FATAL,
                       "slot \"%s\" is not a pgoutput slot of this database"
                       " without two_phase; drop it or choose another"
                       " CDC_NAME",
                       name);
    }
    if (slot->lost) {
        return err_set(e, ERR_FATAL,
                       "slot \"%s\" is lost: the server removed WAL that it"
                       " needed (max_slot_wal_keep_size); " START_ANEW,
                       name);
    }
    if (slot->active) {
        return err_set(e, ERR_RETRY,
                       "slot \"%s\" is in use by the session with pid %d:"
                       " standing by",
                       name, slot->active_pid);
    }
    if (st->exists && slot->confirmed_lsn > st->confirmed_lsn) {
        return err_set(e, ERR_FATAL,
                       "slot \"%s\" stands at %X/%X, ahead of state's %X/%X:"
                       " someone moved or remade it, and changes are"
                       " missing; " START_ANEW,
                       name, LSN_ARG(slot->confirmed_lsn),
                       LSN_ARG(st->confirmed_lsn));
    }
    return 0;
}

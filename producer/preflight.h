/*
 * preflight.h - can this server be captured from? Findings, each with the
 * SQL that fixes it (DESIGN 4.9). Tables are adopt.c's, the slot is slot.c's.
 */
#pragma once

#include "producer/pgconn.h"

enum { PREFLIGHT_VERSION_MIN = 140000 };

/* The first finding that forbids to run: ERR_CONFIG with its remedy,
   ERR_RETRY when the server is in recovery (a fail-over may be under way).
   Warnings are logged when `aloud`. */
int preflight_server(PGconn *conn, bool aloud, struct err *e) MUST_CHECK;

/*
 * place.h - where a worker listens, as text: "host:port", "[v6]:port", and
 * "role=host:port" of CDC_WORKERS.
 *
 * PURE. Views borrow the text.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"

/* The role of that name, or -1. */
int place_role(struct str name);

/* Cuts "host:port" in two; false unless both are usable: a name or address
   of less than 256 characters, a port from 1 to 65535 (at most 5 digits). */
bool place_cut(struct str text, struct str *ret_host, struct str *ret_port);

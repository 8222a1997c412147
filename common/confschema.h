/*
 * confschema.h - the JSON Schema (draft 7, which editors know best) of the
 * configuration file, made of the option table: names, types, defaults and
 * what each is for. packaging/data-sync.schema.json is this text.
 *
 * Wherever a value may stand, a text with ${...} may stand, too.
 */
#pragma once

#include "common/conf.h"

void confschema_write(struct buf *b, const struct conf_option *options);

/*
 * confshow.h - `config show`: the settings in force as YAML that the program
 * would read again, each line with its origin in a comment.
 *
 * Secrets are "***", and so are passwords inside URLs: that alone must be
 * filled in again.
 */
#pragma once

#include "common/confsource.h"

/* Fills `cfg` on the way. A value that is missing though required is said in
   its comment; anything else that is wrong is ERR_CONFIG or ERR_USAGE. */
int confshow_write(const struct confsource *source, void *cfg, struct buf *b,
                   struct err *e) MUST_CHECK;

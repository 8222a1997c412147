/*
 * confenv.h - variables that were probably meant for us: CDC_LOGLEVEL.
 *
 * PURE. A name that begins with CDC_, is none of the option table's and is
 * very near to one. Others are somebody else's business.
 */
#pragma once

#include "common/conf.h"

struct confenv {
    unsigned next;     /* 0 at first */
    char name[64];     /* what is set */
    const char *meant; /* what it is near to */
};

/* The next one of `env` (as environ(7), ends with NULL), or false. */
bool confenv_next(const struct conf_option *options, char *const *env,
                  struct confenv *typo);

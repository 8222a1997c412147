/*
 * confhelp.h - a program's --help, made from its option table (conf.h).
 *
 * At most 80 columns, as long as the program's own example lines are.
 */
#pragma once

#include "common/conf.h"

void confhelp_write(struct buf *b, const struct conf_program *program);

/* The same to stdout. */
void confhelp_print(const struct conf_program *program);

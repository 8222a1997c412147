/*
 * confman.h - manual pages as scdoc source, made of the option table: one of
 * section 1 for each program, data-sync.yaml(5) for the file.
 */
#pragma once

#include "common/conf.h"

void confman_program(struct buf *b, const struct conf_program *program);
void confman_file(struct buf *b, const struct conf_option *options);

/*
 * confpage.h - pages about all programs, made of the option table and kept in
 * the repository: docs/CONFIGURATION.md and .env.example. test_confpage.c
 * fails when they are not what this module writes.
 */
#pragma once

#include "common/conf.h"

void confpage_reference(struct buf *b, const struct conf_option *options);
void confpage_environment(struct buf *b, const struct conf_option *options);

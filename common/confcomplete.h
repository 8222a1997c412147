/*
 * confcomplete.h - completions for bash, zsh and fish, made of the option
 * table: commands, flags, words of a choice, files.
 */
#pragma once

#include "common/conf.h"

void confcomplete_bash(struct buf *b, const struct conf_program *program);
void confcomplete_zsh(struct buf *b, const struct conf_program *program);
void confcomplete_fish(struct buf *b, const struct conf_program *program);

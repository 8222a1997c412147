/*
 * confexpand.h - variables inside one text of the configuration file.
 *
 *   ${NAME}             the variable; an error when it is not set
 *   ${NAME:-text}       text when it is not set or empty;  ${NAME-text} when
 *                       it is not set
 *   ${NAME:?message}    an error with that message when it is not set or
 *                       empty;  ${NAME?message} when it is not set
 *   $${                 a literal ${
 *
 * Nothing is expanded twice: what a variable holds is data. No nesting.
 */
#pragma once

#include "common/buf.h"
#include "common/err.h"

/* Appends `text` with its variables (getenv) to `b`. ERR_CONFIG names the
   variable, never a value; `b` may then hold a part. */
int confexpand(const char *text, struct buf *b, struct err *e) MUST_CHECK;

/*
 * promtext.h - reads Prometheus' text format (0.0.4), line by line.
 *
 *   # HELP name text
 *   # TYPE name counter|gauge|histogram|summary|untyped
 *   name{label="value",...} value [timestamp]
 *
 * The text comes over the network: nothing is taken as given. What is called
 * a series is valid by the grammar and in UTF-8, so it may be passed on.
 *
 * PURE. Views borrow the text.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"

enum promtext_kind {
    PROMTEXT_END,    /* no more lines */
    PROMTEXT_HELP,   /* name, text */
    PROMTEXT_TYPE,   /* name, text */
    PROMTEXT_SERIES, /* name, labels, value, number */
    PROMTEXT_OTHER,  /* a blank line, another comment */
    PROMTEXT_BAD,    /* anything else */
};

struct promtext_line {
    struct str name;
    struct str text;   /* the help, or the name of the type */
    struct str labels; /* what is between the braces */
    struct str value;  /* the number as it was written */
    double number;
};

/* Takes one line off `rest`. A timestamp is checked and dropped. */
enum promtext_kind promtext_next(struct str *rest,
                                 struct promtext_line *ret_line);

/* The raw value of one label (escapes kept); false when it is not there. */
bool promtext_label(struct str labels, const char *name, struct str *ret_value);

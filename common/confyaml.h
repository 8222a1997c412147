/*
 * confyaml.h - a YAML text (libyaml) -> a flat list of keys and values.
 *
 * "kafka: {brokers: [a, b]}" gives the section "kafka" and the list
 * "kafka.brokers" with the text "a,b". Texts are as they stand in the file:
 * variables are expanded later (confexpand.h), types are the option table's.
 * Knows no option.
 *
 * Of YAML only what settings need: one document, mappings, lists of plain
 * values. Refused, with the place: anchors and aliases (so nothing can grow),
 * tags, lists and mappings inside a list, a key twice, NUL, more than
 * CONFYAML_KEYS_MAX keys or CONFYAML_DEPTH_MAX levels. Fuzzed:
 * tests/fuzz/fuzz_confyaml.c.
 */
#pragma once

#include "common/buf.h"
#include "common/err.h"

enum {
    CONFYAML_BYTES_MAX = 1 << 20, /* of a file */
    CONFYAML_KEYS_MAX = 2000,
    CONFYAML_DEPTH_MAX = 16,
    CONFYAML_KEY_CHARS_MAX = 200, /* "a.b.c" */
};

enum confyaml_kind {
    CONFYAML_SECTION, /* a mapping; its keys follow as entries of their own */
    CONFYAML_VALUE,
    CONFYAML_LIST, /* text: the words with commas */
    CONFYAML_NULL, /* "key:", null or ~ */
};

struct confyaml_entry {
    char *key;
    char *text; /* NULL for a section and a null */
    enum confyaml_kind kind;
    int line, column; /* of the key, from 1 */
};

struct confyaml {
    struct confyaml_entry *entries; /* in the order of the file */
    unsigned count;
};

/* `name` is the file's, for errors: "NAME:3:5: what" (ERR_CONFIG). An empty
   text is an empty list. `ret_yaml` is the caller's to confyaml_fini. */
int confyaml_read(struct confyaml *ret_yaml, struct str text, const char *name,
                  struct err *e) MUST_CHECK;

/* Accepts zeroed ones. */
void confyaml_fini(struct confyaml *yaml);

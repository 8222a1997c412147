#include "monitor/promtext.h"

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Metric names may hold colons, label names may not. */
static size_t name_length(struct str s, bool colon)
{
    size_t i = 0;

    while (i < s.len && (is_name_start(s.p[i]) || (colon && s.p[i] == ':') ||
                         (i > 0 && s.p[i] >= '0' && s.p[i] <= '9'))) {
        i++;
    }
    return i;
}

static void skip(struct str *s, size_t count)
{
    s->p += count;
    s->len -= count;
}

static void skip_blanks(struct str *s)
{
    while (s->len > 0 && (*s->p == ' ' || *s->p == '\t')) {
        skip(s, 1);
    }
}

static bool take_char(struct str *s, char c)
{
    if (s->len == 0 || *s->p != c) {
        return false;
    }
    skip(s, 1);
    return true;
}

static struct str take_name(struct str *s, bool colon)
{
    struct str name = { s->p, name_length(*s, colon) };

    skip(s, name.len);
    return name;
}

/* Up to the next blank. */
static struct str take_word(struct str *s)
{
    struct str word = { s->p, 0 };

    while (word.len < s->len && s->p[word.len] != ' ' &&
           s->p[word.len] != '\t') {
        word.len++;
    }
    skip(s, word.len);
    return word;
}

static struct str take_line(struct str *rest)
{
    const char *end = memchr(rest->p, '\n', rest->len);
    struct str line = { rest->p, end ? (size_t)(end - rest->p) : rest->len };

    skip(rest, line.len + (end ? 1 : 0));
    if (line.len > 0 && line.p[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

/* name="value" with its escapes \\ \" \n only. */
static bool take_pair(struct str *s, struct str *ret_name,
                      struct str *ret_value)
{
    size_t i = 0;

    *ret_name = take_name(s, false);
    skip_blanks(s);
    if (ret_name->len == 0 || !take_char(s, '=')) {
        return false;
    }
    skip_blanks(s);
    if (!take_char(s, '"')) {
        return false;
    }
    while (i < s->len && s->p[i] != '"') {
        if (s->p[i] == '\\') {
            i++;
            if (i == s->len || !strchr("\\\"n", s->p[i]) || !s->p[i]) {
                return false;
            }
        }
        i++;
    }
    if (i == s->len) {
        return false;
    }
    *ret_value = (struct str){ s->p, i };
    skip(s, i + 1);
    skip_blanks(s);
    return true;
}

/* What is behind '{', up to and with '}'. */
static bool take_labels(struct str *s, struct str *ret_labels)
{
    const char *begin = s->p, *end = s->p;
    struct str name, value;

    skip_blanks(s);
    while (!take_char(s, '}')) {
        if (!take_pair(s, &name, &value)) {
            return false;
        }
        end = s->p;
        if (!take_char(s, ',')) {
            if (!take_char(s, '}')) {
                return false;
            }
            break;
        }
        skip_blanks(s);
    }
    *ret_labels = (struct str){ begin, (size_t)(end - begin) };
    return true;
}

static bool number_read(struct str word, double *ret)
{
    static const char *const named[] = { "NaN", "Inf", "+Inf", "-Inf" };
    char text[64], *end;
    bool digits;

    if (word.len == 0 || word.len >= sizeof(text)) {
        return false;
    }
    memcpy(text, word.p, word.len);
    text[word.len] = '\0';
    digits = strspn(text, "0123456789+-.eE") == word.len;
    for (size_t i = 0; !digits && i < COUNT_OF(named); i++) {
        digits = strcmp(text, named[i]) == 0;
    }
    *ret = strtod(text, &end);
    return digits && *end == '\0';
}

/* How many bytes the UTF-8 sequence at the head of `s` has; 0 = it is none.
   (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF.) */
static size_t utf8_length(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t len = p[0] < 0x80   ? 1
                 : p[0] < 0xc2 ? 0
                 : p[0] < 0xe0 ? 2
                 : p[0] < 0xf0 ? 3
                 : p[0] < 0xf5 ? 4
                               : 0;

    if (len > s.len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90)) {
        return 0;
    }
    return len;
}

static bool is_text(struct str s)
{
    while (s.len > 0) {
        size_t len = *s.p ? utf8_length(s) : 0;

        if (len == 0) {
            return false;
        }
        skip(&s, len);
    }
    return true;
}

static enum promtext_kind read_comment(struct str s,
                                       struct promtext_line *ret_line)
{
    struct str word;

    skip_blanks(&s);
    word = take_word(&s);
    bool help = str_eq(word, STR("HELP")), type = str_eq(word, STR("TYPE"));
    if (!help && !type) {
        return PROMTEXT_OTHER;
    }
    skip_blanks(&s);
    ret_line->name = take_name(&s, true);
    if (ret_line->name.len == 0 || (s.len > 0 && *s.p != ' ' && *s.p != '\t')) {
        return PROMTEXT_BAD;
    }
    skip_blanks(&s);
    ret_line->text = s;
    return help ? PROMTEXT_HELP : PROMTEXT_TYPE;
}

static enum promtext_kind read_series(struct str s,
                                      struct promtext_line *ret_line)
{
    double timestamp;

    ret_line->name = take_name(&s, true);
    if (ret_line->name.len == 0) {
        return PROMTEXT_BAD;
    }
    skip_blanks(&s);
    if (take_char(&s, '{') && !take_labels(&s, &ret_line->labels)) {
        return PROMTEXT_BAD;
    }
    skip_blanks(&s);
    ret_line->value = take_word(&s);
    if (!number_read(ret_line->value, &ret_line->number)) {
        return PROMTEXT_BAD;
    }
    skip_blanks(&s);
    if (s.len > 0 && !number_read(take_word(&s), &timestamp)) {
        return PROMTEXT_BAD;
    }
    skip_blanks(&s);
    return s.len == 0 ? PROMTEXT_SERIES : PROMTEXT_BAD;
}

enum promtext_kind promtext_next(struct str *rest,
                                 struct promtext_line *ret_line)
{
    struct str line;

    *ret_line = (struct promtext_line){ 0 };
    if (rest->len == 0) {
        return PROMTEXT_END;
    }
    line = take_line(rest);
    if (!is_text(line)) {
        return PROMTEXT_BAD;
    }
    skip_blanks(&line);
    if (line.len == 0) {
        return PROMTEXT_OTHER;
    }
    if (take_char(&line, '#')) {
        return read_comment(line, ret_line);
    }
    return read_series(line, ret_line);
}

bool promtext_label(struct str labels, const char *name, struct str *ret_value)
{
    struct str key, value;

    skip_blanks(&labels);
    while (labels.len > 0 && take_pair(&labels, &key, &value)) {
        if (str_eq(key, str_of(name))) {
            *ret_value = value;
            return true;
        }
        (void)take_char(&labels, ',');
        skip_blanks(&labels);
    }
    return false;
}

#include "common/confconfig.h"

#include "common/confcomplete.h"
#include "common/confman.h"
#include "common/confpage.h"
#include "common/confschema.h"
#include "common/confshow.h"

enum { PAGE_BYTES_MAX = 16 << 20 };

static int show(struct buf *b, const struct conf_program *program, void *cfg,
                char *const *argv, struct err *e)
{
    struct confsource source = { 0 };
    int rc = confsource_open(&source, program, argv, e);

    if (rc == 0) {
        rc = confshow_write(&source, cfg, b, e);
    }
    confsource_close(&source);
    return rc;
}

struct page {
    const char *word;
    void (*of_program)(struct buf *b, const struct conf_program *program);
    void (*of_options)(struct buf *b, const struct conf_option *options);
};

static const struct page pages[] = {
    { "schema", NULL, confschema_write },
    { "reference", NULL, confpage_reference },
    { "environment", NULL, confpage_environment },
    { "man", confman_program, NULL },
    { "man-file", NULL, confman_file },
    { "completion-bash", confcomplete_bash, NULL },
    { "completion-zsh", confcomplete_zsh, NULL },
    { "completion-fish", confcomplete_fish, NULL },
};

static void page_write(struct buf *b, const struct conf_program *program,
                       const char *word)
{
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        if (strcmp(pages[i].word, word) != 0) {
            continue;
        }
        if (pages[i].of_program) {
            pages[i].of_program(b, program);
        } else {
            pages[i].of_options(b, program->options);
        }
    }
}

int confconfig_run(const struct conf_program *program, void *cfg,
                   char *const *argv, const char *word, struct err *e)
{
    struct buf b;
    int rc = 0;

    buf_init(&b, PAGE_BYTES_MAX);
    if (!word || strcmp(word, "show") == 0) {
        rc = show(&b, program, cfg, argv, e);
    } else {
        page_write(&b, program, word);
    }
    if (rc == 0 && (fwrite(buf_str(&b).p, 1, b.len, stdout) != b.len ||
                    fflush(stdout) != 0)) {
        rc = err_set(e, ERR_FATAL, "standard output cannot be written");
    }
    buf_fini(&b);
    return rc;
}

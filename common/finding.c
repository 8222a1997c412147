#include "common/finding.h"

void finding_ok(const struct finding *finding, const char *text)
{
    (void)printf("ok     %s: %s\n", finding->what, text);
    (void)fflush(stdout);
}

/* The way to mend it; NULL when the error says it, or nobody knows. */
static const char *fix_of(const struct err *now)
{
    switch (now->kind) {
    case ERR_UNREACHABLE:
    case ERR_RETRY: return "start it, or correct";
    case ERR_PERMISSION:
        return strstr(now->text, "run:") ? NULL
                                         : "grant what is missing, or correct "
                                           "the credentials in";
    case ERR_NONE:
    case ERR_INPUT:
    case ERR_CONFIG:
    case ERR_USAGE:
    case ERR_FATAL: break;
    }
    return NULL;
}

void finding_failed(struct findings *f, const struct finding *finding,
                    const struct err *now)
{
    const char *fix = finding->variable ? fix_of(now) : NULL;

    (void)printf("failed %s: %s\n", finding->what, now->text);
    if (fix) {
        (void)printf("       fix: %s %s\n", fix, finding->variable);
    }
    (void)fflush(stdout);
    if (f->worst.kind == ERR_NONE ||
        (now->kind == ERR_UNREACHABLE && f->worst.kind != ERR_UNREACHABLE)) {
        f->worst = *now;
        (void)err_wrap(&f->worst, "%s", finding->what);
    }
}

void finding_say(struct findings *f, const struct finding *finding, int rc,
                 const char *text, const struct err *now)
{
    if (rc == 0) {
        finding_ok(finding, text);
    } else {
        finding_failed(f, finding, now);
    }
}

int findings_end(const struct findings *f, struct err *e)
{
    if (f->worst.kind == ERR_NONE) {
        return 0;
    }
    *e = f->worst;
    return -1;
}

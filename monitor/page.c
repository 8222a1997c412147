#include "monitor/page.h"

#include <sys/random.h>

/* page.html; CMakeLists.txt makes them. */
extern const unsigned char page_html[];
extern const size_t page_html_len;

void page_nonce(char ret_nonce[PAGE_NONCE_BYTES])
{
    unsigned char bytes[(PAGE_NONCE_BYTES - 1) / 2];

    CHECK(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        (void)snprintf(ret_nonce + 2 * i, 3, "%02x", bytes[i]);
    }
}

void page_write(struct buf *b, const char *nonce)
{
    static const char mark[] = "@NONCE@";
    const char *from = (const char *)page_html;
    size_t left = page_html_len;
    const char *at;

    while ((at = memmem(from, left, mark, sizeof(mark) - 1)) != NULL) {
        size_t len = (size_t)(at - from);

        buf_add(b, from, len);
        buf_str_add(b, str_of(nonce));
        from += len + sizeof(mark) - 1;
        left -= len + sizeof(mark) - 1;
    }
    buf_add(b, from, left);
}

void page_policy(char ret_policy[PAGE_POLICY_BYTES], const char *nonce)
{
    (void)snprintf(ret_policy, PAGE_POLICY_BYTES,
                   "default-src 'none'; style-src 'nonce-%s'; "
                   "script-src 'nonce-%s'; connect-src 'self'; "
                   "img-src data:; base-uri 'none'; form-action 'none'; "
                   "frame-ancestors 'none'",
                   nonce, nonce);
}

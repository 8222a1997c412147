/*
 * page.h - the status page: one self-contained HTML document (page.html,
 * compiled in), which asks /api/v1/data-sync/status every two seconds.
 *
 * Its style and script carry a nonce, so that its policy allows nothing else:
 * no other script, no other host, no frame around it.
 */
#pragma once

#include "common/buf.h"

enum { PAGE_NONCE_BYTES = 33, PAGE_POLICY_BYTES = 320 };

/* A fresh nonce: 32 hex digits. */
void page_nonce(char ret_nonce[PAGE_NONCE_BYTES]);

/* Appends the document. */
void page_write(struct buf *b, const char *nonce);

/* The Content-Security-Policy that goes with it. */
void page_policy(char ret_policy[PAGE_POLICY_BYTES], const char *nonce);

/*
 * dburl.h - DATABASE_URL as people write it -> as libpq takes it.
 *
 * Prisma, Rails and others append parameters of their own
 * ("?schema=public&connection_limit=5"); libpq refuses a URL with a
 * parameter it does not know. Those are dropped here, and named, so that a
 * misspelt one ("sslmod=verify-full") is not lost in silence. Every name that
 * any libpq up to 18 knows is kept: one that is too new for the libpq at hand
 * then fails loudly, instead of weakening the connection.
 *
 * Pure text; knows no libpq. Nothing of the URL gets into an error text: it
 * holds the password.
 */
#pragma once

#include "common/buf.h"
#include "common/err.h"

/* Appends `url` to `ret_url` without the query parameters that libpq does not
   know, and their names to `ret_dropped` as "a, b" (which may be NULL). A
   connection string of the other form ("host=... dbname=...") is copied as
   it is. ERR_CONFIG for an empty one and for another scheme. */
int dburl_clean(struct str url, struct buf *ret_url, struct buf *ret_dropped,
                struct err *e) MUST_CHECK;

/*
 * decimal.h - unsigned integers as decimal text, two digits at a time.
 *
 * For buf.c and the event writer, which print a dozen numbers per event.
 */
#pragma once

#include <stdint.h>
#include <string.h>

enum { DECIMAL_U64_MAX = 20 }; /* digits of 2^64 - 1 */

/* How many digits `n` has; 0 has one. */
static inline unsigned decimal_length(uint64_t n)
{
    unsigned count = 1;

    for (; n >= 10000; n /= 10000) {
        count += 4;
    }
    return count + (n >= 10) + (n >= 100) + (n >= 1000);
}

/* Writes exactly `length` = decimal_length(n) digits at `at`. */
static inline void decimal_write(char *at, uint64_t n, unsigned length)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021"
                                "22232425262728293031323334353637383940414243"
                                "44454647484950515253545556575859606162636465"
                                "66676869707172737475767778798081828384858687"
                                "888990919293949596979899";

    while (n >= 100) {
        length -= 2;
        memcpy(at + length, pairs + n % 100 * 2, 2);
        n /= 100;
    }
    if (n >= 10) {
        memcpy(at, pairs + n * 2, 2);
    } else {
        at[0] = (char)('0' + n);
    }
}

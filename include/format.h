/*
 * format.h - a small vsnprintf() for messages.
 *
 * Conversions: %s, %u and %x, these two also with ll (64 bits) and a width (%08x, %4u), and %%.
 * Anything else is copied as it stands.  The result is always terminated and cut to size; size must
 * not be 0.  Returns the length written, without the terminator.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdarg.h>
#include <stddef.h>

size_t format(char *out, size_t size, const char *message, va_list args);

#endif

/*
 * string.h - the four functions a freestanding compiler may call, strcmp(), strlen() and strnlen().
 * C11 7.24 and POSIX semantics; no locale, no errno.
 */
#ifndef STRING_H
#define STRING_H

#include <stddef.h>

void *memcpy(void *restrict dest, const void *restrict src, size_t size);
void *memmove(void *dest, const void *src, size_t size);
void *memset(void *dest, int byte, size_t size);
int memcmp(const void *left, const void *right, size_t size);
int strcmp(const char *left, const char *right);
size_t strlen(const char *string);
size_t strnlen(const char *string, size_t max);

#endif

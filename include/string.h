/*
 * string.h - the four functions a freestanding compiler may call, and string comparison.
 * C11 7.24 semantics; no locale, no errno.
 */
#ifndef STRING_H
#define STRING_H

#include <stdbool.h>
#include <stddef.h>

void *memcpy(void *restrict dest, const void *restrict src, size_t size);
void *memmove(void *dest, const void *src, size_t size);
void *memset(void *dest, int byte, size_t size);
int memcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *string);
int strcmp(const char *left, const char *right);

#endif

/*
 * string.h - the four functions a freestanding compiler may call, strlen() and strnlen().
 * C11 7.24 and POSIX semantics; no locale, no errno.
 */
#ifndef STRING_H
#define STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Any four bytes. */
typedef uint32_t __attribute__((may_alias, aligned(1))) word;

void *memcpy(void *restrict dest, const void *restrict src, size_t size);
void *memmove(void *dest, const void *src, size_t size);
void *memset(void *dest, int byte, size_t size);
int memcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *string);
size_t strnlen(const char *string, size_t max);

/*
 * Compares words of 32 bits, at any alignment, until two differ: false, and both pointers are
 * behind these.  True when none do, and behind the last.
 */
static inline bool words_equal(const void **left, const void **right, size_t words)
{
	bool equal;

	/* The first comparison is for none: REPE leaves the flags alone then. */
	__asm__ volatile("cmp %%eax, %%eax\n\t"
			 "repe cmpsl"
			 : "+S"(*left), "+D"(*right), "+c"(words), "=@ccz"(equal)
			 :
			 : "memory");
	return equal;
}

#endif

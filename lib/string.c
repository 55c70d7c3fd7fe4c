/*
 * string.c - see string.h.  String instructions: one instruction a word.
 */
#include <stdint.h>

#include "string.h"

void *memcpy(void *restrict dest, const void *restrict src, size_t size)
{
	void *to = dest;
	size_t words = size / sizeof(uint32_t);

	__asm__ volatile("rep movsl" : "+D"(to), "+S"(src), "+c"(words) : : "memory");
	size %= sizeof(uint32_t);
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(size) : : "memory");
	return dest;
}

void *memmove(void *dest, const void *src, size_t size)
{
	uint8_t *d = dest;
	const uint8_t *s = src;

	if (d <= s || d >= s + size)
		return memcpy(dest, src, size);
	while (size--)
		d[size] = s[size];
	return dest;
}

void *memset(void *dest, int byte, size_t size)
{
	void *to = dest;
	uint32_t pattern = 0x01010101u * (uint8_t)byte;
	size_t words = size / sizeof(pattern);

	__asm__ volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
	size %= sizeof(pattern);
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(pattern) : "memory");
	return dest;
}

/* Compares until something differs; true when nothing does. */
static inline bool same_words(const uint8_t **left, const uint8_t **right, size_t words)
{
	bool same;

	/* The first comparison is for none: REPE leaves the flags alone then. */
	__asm__ volatile("cmp %%eax, %%eax\n\t"
			 "repe cmpsl"
			 : "+S"(*left), "+D"(*right), "+c"(words), "=@ccz"(same) : : "memory");
	return same;
}

int memcmp(const void *left, const void *right, size_t size)
{
	const uint8_t *l = left;
	const uint8_t *r = right;
	size_t rest = size % sizeof(uint32_t);

	if (!same_words(&l, &r, size / sizeof(uint32_t))) {
		rest = sizeof(uint32_t);
		l -= rest;
		r -= rest;
	}
	for (; rest; rest--, l++, r++)
		if (*l != *r)
			return *l - *r;
	return 0;
}

size_t strlen(const char *string)
{
	const char *end = string;

	while (*end)
		end++;
	return (size_t)(end - string);
}

int strcmp(const char *left, const char *right)
{
	while (*left && *left == *right) {
		left++;
		right++;
	}
	return (uint8_t)*left - (uint8_t)*right;
}

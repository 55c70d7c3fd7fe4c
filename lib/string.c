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
	d += size;
	s += size;
	for (size_t rest = size % sizeof(uint32_t); rest; rest--)
		*--d = *--s;
	d -= sizeof(uint32_t);
	s -= sizeof(uint32_t);
	size /= sizeof(uint32_t);
	__asm__ volatile("std\n\t"
			 "rep movsl\n\t"
			 "cld"
			 : "+D"(d), "+S"(s), "+c"(size)
			 :
			 : "memory");
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

int memcmp(const void *left, const void *right, size_t size)
{
	const uint8_t *l = left;
	const uint8_t *r = right;
	size_t rest = size % sizeof(uint32_t);
	bool equal;

	if (!words_equal((const void **)&l, (const void **)&r, size / sizeof(uint32_t))) {
		rest = sizeof(uint32_t);
		l -= rest;
		r -= rest;
	}
	__asm__ volatile("cmp %%eax, %%eax\n\t"
			 "repe cmpsb"
			 : "+S"(l), "+D"(r), "+c"(rest), "=@ccz"(equal)
			 :
			 : "memory");
	return equal ? 0 : l[-1] - r[-1];
}

size_t strnlen(const char *string, size_t max)
{
	size_t left = max;
	bool found;

	/* The first comparison is for max 0: REPNE leaves the flags alone then. */
	__asm__ volatile("test %%esp, %%esp\n\t"
			 "repne scasb"
			 : "+D"(string), "+c"(left), "=@ccz"(found)
			 : "a"(0)
			 : "memory");
	return max - left - found;
}

size_t strlen(const char *string)
{
	return strnlen(string, SIZE_MAX);
}

/* string.c - see string.h.  Word-wise where sizes allow: the firmware copies little, but often. */
#include <stdint.h>

#include "string.h"

typedef uint32_t __attribute__((may_alias, aligned(1))) word;

void *memcpy(void *restrict dest, const void *restrict src, size_t size)
{
	uint8_t *d = dest;
	const uint8_t *s = src;

	for (; size >= sizeof(word); size -= sizeof(word), d += sizeof(word), s += sizeof(word))
		*(word *)d = *(const word *)s;
	while (size--)
		*d++ = *s++;
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
	uint8_t *d = dest;
	uint32_t pattern = 0x01010101u * (uint8_t)byte;

	for (; size >= sizeof(word); size -= sizeof(word), d += sizeof(word))
		*(word *)d = pattern;
	while (size--)
		*d++ = (uint8_t)byte;
	return dest;
}

int memcmp(const void *left, const void *right, size_t size)
{
	const uint8_t *l = left;
	const uint8_t *r = right;

	for (; size >= sizeof(word) && *(const word *)l == *(const word *)r; size -= sizeof(word)) {
		l += sizeof(word);
		r += sizeof(word);
	}
	for (; size; size--, l++, r++)
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

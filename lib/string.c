/*
 * string.c - see string.h.
 */
#include "string.h"

#include <stdint.h>

void *memcpy(void *restrict dest, const void *restrict src, size_t size)
{
	uint8_t *to = dest;
	const uint8_t *from = src;

	while (size--)
		*to++ = *from++;
	return dest;
}

void *memmove(void *dest, const void *src, size_t size)
{
	uint8_t *to = dest;
	const uint8_t *from = src;

	if (to <= from)
		return memcpy(dest, src, size);
	while (size--)
		to[size] = from[size];
	return dest;
}

void *memset(void *dest, int byte, size_t size)
{
	uint8_t *to = dest;

	while (size--)
		*to++ = (uint8_t)byte;
	return dest;
}

int memcmp(const void *left, const void *right, size_t size)
{
	const uint8_t *l = left;
	const uint8_t *r = right;

	for (size_t i = 0; i < size; i++)
		if (l[i] != r[i])
			return l[i] - r[i];
	return 0;
}

int strcmp(const char *left, const char *right)
{
	for (; *left && *left == *right; left++)
		right++;
	return (uint8_t)*left - (uint8_t)*right;
}

size_t strnlen(const char *string, size_t max)
{
	size_t length = 0;

	while (length < max && string[length])
		length++;
	return length;
}

size_t strlen(const char *string)
{
	size_t length = 0;

	while (string[length])
		length++;
	return length;
}

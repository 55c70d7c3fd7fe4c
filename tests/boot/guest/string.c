/* string.c - what the compiler calls, and a little more. */
#include "guest.h"

void *memset(void *to, int value, size_t size)
{
	void *start = to;
	size_t words = size / 4, bytes = size % 4;

	__asm__ volatile("rep stosl"
			 : "+D"(to), "+c"(words)
			 : "a"((value & 0xff) * 0x01010101u)
			 : "memory");
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
	return start;
}

void *memcpy(void *to, const void *from, size_t size)
{
	void *start = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const uint8_t *x = a, *y = b;

	for (; size; size--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *string)
{
	size_t size = 0;

	while (string[size])
		size++;
	return size;
}

bool starts_with(const char *string, const char *prefix)
{
	return !memcmp(string, prefix, strlen(prefix));
}

uint8_t sum8(const void *bytes, uint32_t size)
{
	const uint8_t *p = bytes;
	uint8_t sum = 0;

	while (size--)
		sum = (uint8_t)(sum + *p++);
	return sum;
}

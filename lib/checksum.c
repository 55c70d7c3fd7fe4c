/*
 * checksum.c - see checksum.h.
 *
 * Sums words, the even and the odd bytes in one accumulator each.  A lane of 16 bits holds the sum
 * of at least 257 bytes before it carries into the next one, and since only the low eight bits of
 * a lane count, the lower lane's carries are the one thing to keep out of the upper lane.
 */
#include "checksum.h"

#define LANES           0x00ff00ffu
#define WORDS_PER_RUN   257u            /* 257 * 255 fits 16 bits */

typedef uint32_t __attribute__((may_alias, aligned(1))) word;

static uint32_t sum_words(const uint8_t *bytes, uint32_t count)
{
	uint32_t even = 0;
	uint32_t odd = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t value = ((const word *)bytes)[i];

		even += value & LANES;
		odd += (value >> 8) & LANES;
	}
	return (even & 0xffff) + (even >> 16) + (odd & 0xffff) + (odd >> 16);
}

uint8_t checksum_sum(const void *data, uint32_t size)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;

	while (size >= sizeof(word)) {
		uint32_t count = size / sizeof(word);

		if (count > WORDS_PER_RUN)
			count = WORDS_PER_RUN;
		sum += sum_words(bytes, count);
		bytes += count * sizeof(word);
		size -= count * (uint32_t)sizeof(word);
	}
	while (size--)
		sum += *bytes++;
	return (uint8_t)sum;
}

/*
 * checksum.c - see checksum.h.
 *
 * Four instructions a word: add the word to one sum, and its bytes 0 and 2 to another.  In a run of
 * 257 words no 16-bit lane of the second overflows, so that one is B0 + B2 * 2^16, exactly (Bn: the
 * sum of all bytes n of a word).  The first is B0 + B1 * 2^8 + B2 * 2^16 + B3 * 2^24 modulo 2^32, and
 * their difference leaves B1 + B3 * 2^16, shifted.
 *
 * MMX adds eight bytes at once, but there are hypervisors that interpret guest code and know no
 * arithmetic of it.
 */
#include "checksum.h"

#define LANES           0x00ff00ffu
#define WORDS_PER_RUN   256u            /* 257 * 255 is the most that 16 bits hold */
#define WORDS_PER_STEP  8u

typedef uint32_t __attribute__((may_alias, aligned(1))) word;

/* count is a multiple of WORDS_PER_STEP, at most WORDS_PER_RUN. */
static uint32_t sum_run(const word *words, uint32_t count)
{
	uint32_t all = 0;
	uint32_t even = 0;
	uint32_t odd;

	for (const word *end = words + count; words < end; words += WORDS_PER_STEP) {
		all += words[0];
		even += words[0] & LANES;
		all += words[1];
		even += words[1] & LANES;
		all += words[2];
		even += words[2] & LANES;
		all += words[3];
		even += words[3] & LANES;
		all += words[4];
		even += words[4] & LANES;
		all += words[5];
		even += words[5] & LANES;
		all += words[6];
		even += words[6] & LANES;
		all += words[7];
		even += words[7] & LANES;
	}
	odd = (all - even) >> 8;
	return even + (even >> 16) + odd + (odd >> 16);
}

uint8_t checksum_sum(const void *data, uint32_t size)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;

	while (size >= WORDS_PER_STEP * sizeof(word)) {
		uint32_t count = size / sizeof(word) & ~(WORDS_PER_STEP - 1);

		if (count > WORDS_PER_RUN)
			count = WORDS_PER_RUN;
		sum += sum_run((const word *)bytes, count);
		bytes += count * sizeof(word);
		size -= count * (uint32_t)sizeof(word);
	}
	while (size--)
		sum += *bytes++;
	return (uint8_t)sum;
}

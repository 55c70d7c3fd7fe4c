/*
 * checksum.c - see checksum.h.
 *
 * Four instructions a word: add the word to one sum, and its bytes 0 and 2 to another.  In a run of
 * 257 words no 16-bit lane of the second overflows, so that one is B0 + B2 * 2^16, exactly (Bn: the
 * sum of all bytes n of a word).  The first is B0 + B1 * 2^8 + B2 * 2^16 + B3 * 2^24 modulo 2^32,
 * and their difference leaves B1 + B3 * 2^16, shifted.
 *
 * MMX adds eight bytes at once, but there are hypervisors that interpret guest code and know no
 * arithmetic of it: the caller says when.
 */
#include "checksum.h"

#include "string.h"

#define LANES 0x00ff00ffu
#define RUN   256u /* words; 257 * 255 is the most that 16 bits hold */
#define STEP  16u

/* The unit tests are 64-bit code, too. */
#ifdef __x86_64__
	#define MMX_ADD_CODE_ADDRESS "lea 1f(%%rip), %%rax\n\tadd %%rax, %1\n\t"
#else
	#define MMX_ADD_CODE_ADDRESS "add $1f, %1\n\t"
#endif

struct sums {
	uint32_t all;
	uint32_t even;
};

static inline void add(struct sums *sums, uint32_t value)
{
	sums->all += value;
	sums->even += value & LANES;
}

/* At most RUN words. */
static uint32_t sum_run(const word *words, uint32_t count)
{
	struct sums sums = { 0, 0 };
	const word *steps_end = words + count / STEP * STEP;
	const word *end = words + count;
	uint32_t odd;

	while (words != steps_end) {
		add(&sums, words[0]);
		add(&sums, words[1]);
		add(&sums, words[2]);
		add(&sums, words[3]);
		add(&sums, words[4]);
		add(&sums, words[5]);
		add(&sums, words[6]);
		add(&sums, words[7]);
		add(&sums, words[8]);
		add(&sums, words[9]);
		add(&sums, words[10]);
		add(&sums, words[11]);
		add(&sums, words[12]);
		add(&sums, words[13]);
		add(&sums, words[14]);
		add(&sums, words[15]);
		words += STEP;
	}
	while (words != end)
		add(&sums, *words++);
	odd = (sums.all - sums.even) >> 8;
	return sums.even + (sums.even >> 16) + odd + (odd >> 16);
}

uint8_t checksum_sum(const void *data, uint32_t size)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;

	while (size >= sizeof(word)) {
		uint32_t count = size / sizeof(word);

		if (count > RUN)
			count = RUN;
		sum += sum_run((const word *)bytes, count);
		bytes += count * sizeof(word);
		size -= count * (uint32_t)sizeof(word);
	}
	while (size--)
		sum += *bytes++;
	return (uint8_t)sum;
}

/*
 * Adds size bytes, but for the last three at most, to the eight lanes of MM0, and these up.  *bytes
 * is then at what is left.  The loop has 32 additions of four bytes of code; it is entered where as
 * many are left as the first round wants.  ESI, for in R8 and above an instruction is longer.
 */
static uint32_t sum_mmx(const uint8_t **bytes, uint32_t size)
{
	uint32_t count = size / 8;
	uint32_t rounds = (count + 31) / 32;
	uint32_t skipped = rounds * 32 - count;
	const uint8_t *from = *bytes - 8 * skipped + 124; /* no offset is 0: that is shorter code */
	uintptr_t code = 4 * skipped;
	uint32_t sum;

	*bytes += size & ~3u;
	__asm__ volatile(
		"pxor %%mm0, %%mm0\n\t"
		"test %2, %2\n\t"
		"jz 2f\n\t" MMX_ADD_CODE_ADDRESS "jmp *%1\n"
		"1:\n\t"
		".irp at, -124, -116, -108, -100, -92, -84, -76, -68, -60, -52, -44, -36, -28, -20, "
		"-12, -4, 4, 12, 20, 28, 36, 44, 52, 60, 68, 76, 84, 92, 100, 108, 116, 124\n\t"
		"paddb \\at(%3), %%mm0\n\t"
		".endr\n\t"
		"add $256, %3\n\t"
		"dec %2\n\t"
		"jnz 1b\n"
		"2:\ttestb $4, %b4\n\t"
		"jz 3f\n\t"
		"movd -4(%5), %%mm1\n\t"
		"paddb %%mm1, %%mm0\n"
		"3:\tmovq %%mm0, %%mm1\n\t"
		"psrlq $32, %%mm1\n\t"
		"paddb %%mm1, %%mm0\n\t"
		"movd %%mm0, %0\n\t"
		"emms"
		: "=r"(sum), "+&r"(code), "+&r"(rounds), "+&S"(from)
		: "q"(size), "r"(*bytes)
		: "eax", "memory", "cc");
	return sum + (sum >> 8) + (sum >> 16) + (sum >> 24);
}

uint8_t checksum_sum_mmx(const void *data, uint32_t size)
{
	const uint8_t *bytes = data;
	uint32_t sum = sum_mmx(&bytes, size);

	for (size %= 4; size; size--)
		sum += *bytes++;
	return (uint8_t)sum;
}

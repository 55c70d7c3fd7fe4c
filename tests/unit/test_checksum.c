/*
 * test_checksum.c - lib/checksum.c against the obvious loop.
 */
#include "unit.h"

#include "checksum.h"

static uint8_t obvious(const uint8_t *bytes, uint32_t size)
{
	uint8_t sum = 0;

	while (size--)
		sum = (uint8_t)(sum + *bytes++);
	return sum;
}

static void check(const uint8_t *bytes, uint32_t size)
{
	uint8_t *copy = unit_copy(bytes, size);

	if (checksum_sum(copy, size) != obvious(bytes, size))
		fail_msg("%u bytes: 0x%02x, not 0x%02x", size, checksum_sum(copy, size),
			 obvious(bytes, size));
	free(copy);
}

static void test_every_small_size_and_alignment(void **state)
{
	uint8_t bytes[80];
	uint32_t seed = 7;

	(void)state;
	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)unit_random(&seed);
	for (uint32_t start = 0; start < 8; start++)
		for (uint32_t size = 0; size <= 64; size++)
			check(bytes + start, size);
}

/* Sums that carry out of eight, sixteen and twenty-four bits. */
static void test_carries(void **state)
{
	static const uint32_t sizes[] = { 4 * 256,     4 * 257, 4 * 257 + 1, 4 * 258, 4 * 514,
					  4 * 514 + 3, 0x10000, 0x20001,     0x100000 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(sizes); i++) {
		static const uint8_t patterns[][4] = {
			{ 0xff, 0xff, 0xff, 0xff }, { 0xff, 0, 0, 0 }, { 0, 0xff, 0, 0 },
			{ 0, 0, 0xff, 0 },          { 0, 0, 0, 0xff }, { 0x80, 0x7f, 0xff, 1 }
		};

		for (uint32_t j = 0; j < COUNT(patterns); j++) {
			uint8_t *bytes = malloc(sizes[i]);

			for (uint32_t k = 0; k < sizes[i]; k++)
				bytes[k] = patterns[j][k % 4];
			check(bytes, sizes[i]);
			free(bytes);
		}
	}
}

static void test_random(void **state)
{
	uint32_t seed = 3;
	uint8_t *bytes = malloc(0x3000);

	(void)state;
	for (uint32_t i = 0; i < 0x3000; i++)
		bytes[i] = (uint8_t)unit_random(&seed);
	for (uint32_t i = 0; i < 300; i++)
		check(bytes + (unit_random(&seed) & 0xff), unit_random(&seed) % 0x2f00);
	free(bytes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_every_small_size_and_alignment),
		UNIT_TEST(test_carries),
		UNIT_TEST(test_random),
	};

	return cmocka_run_group_tests_name("checksum", tests, NULL, NULL);
}

/*
 * test_format.c - lib/format.c against libc's vsnprintf() where both know a conversion, and its own
 * rules where libc has others.
 */
#include "unit.h"

#include "format.h"

static char text[512];

static size_t put(size_t size, const char *message, ...)
{
	va_list args;
	size_t length;

	memset(text, '#', sizeof(text));
	va_start(args, message);
	length = format(text, size, message, args);
	va_end(args);
	return length;
}

/* One argument or two that libc prints the same way. */
#define CHECK(...) \
	do { \
		char wanted_[512]; \
		int length_ = snprintf(wanted_, sizeof(wanted_), __VA_ARGS__); \
		assert_int_equal(put(sizeof(text), __VA_ARGS__), length_); \
		assert_string_equal(text, wanted_); \
	} while (0)

static void test_numbers(void **state)
{
	static const uint32_t numbers[] = { 0,          1,          9,          10,
					    11,         99,         100,        255,
					    256,        999999999,  1000000000, 0x7fffffff,
					    0x80000000, 0xfffffff6, 0xffffffff };
	static const uint64_t wide[] = { 0,
					 9,
					 10,
					 0xffffffff,
					 0x100000000,
					 9999999999999999999u,
					 10000000000000000000u,
					 0x7fffffffffffffff,
					 0x8000000000000000,
					 0xffffffffffffffff };

	(void)state;
	for (uint32_t i = 0; i < COUNT(numbers); i++) {
		CHECK("%u", numbers[i]);
		CHECK("%x", numbers[i]);
		CHECK("%08x", numbers[i]);
		CHECK("%02x", numbers[i]);
		CHECK("%10x", numbers[i]);
		CHECK("%9u", numbers[i]);
		CHECK("<%8u|%x>", numbers[i], numbers[i]);
	}
	for (uint32_t i = 0; i < COUNT(wide); i++) {
		CHECK("%llu", (unsigned long long)wide[i]);
		CHECK("%llx", (unsigned long long)wide[i]);
		CHECK("%016llx", (unsigned long long)wide[i]);
	}
}

/* Every number of a wide range of magnitudes, so that a wrong quotient bit shows. */
static void test_division(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		uint64_t value = (uint64_t)unit_random(&seed) << 32 | unit_random(&seed);

		CHECK("%llu", (unsigned long long)(value >> (i & 63)));
	}
}

static void test_strings(void **state)
{
	(void)state;
	CHECK("%s", "");
	CHECK("%s", "text");
	CHECK("<%s|%s>", "a", "b");
	CHECK("%%");
	CHECK("100%% of %u", 3u);
	CHECK("no conversion");
	CHECK("%s", "%u is not a conversion here");
	assert_int_equal(put(sizeof(text), ""), 0);
	assert_string_equal(text, "");
}

static void test_unknown_conversions(void **state)
{
	static const struct {
		const char *message, *wanted;
	} cases[] = {
		{ "%q", "%q" },   { "a%", "a%" }, { "%0", "%0" },   { "%08", "%08" },
		{ "%ll", "%ll" }, { "%l", "%l" }, { "%lu", "%lu" }, { "%q and on", "%q and on" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		put(sizeof(text), cases[i].message);
		assert_string_equal(text, cases[i].wanted);
	}
}

/* Cut at every size, always terminated, nothing behind the terminator touched. */
static void test_truncation(void **state)
{
	static const char whole[] = "boot: 4294967295 is ffffffff, or so";

	(void)state;
	for (size_t size = 1; size < sizeof(whole) + 4; size++) {
		size_t wanted = size - 1 < sizeof(whole) - 1 ? size - 1 : sizeof(whole) - 1;

		assert_int_equal(put(size, "boot: %u is %x, %s", 0xffffffffu, 0xffffffffu, "or so"),
				 wanted);
		assert_memory_equal(text, whole, wanted);
		assert_int_equal(text[wanted], '\0');
		assert_int_equal(text[wanted + 1], '#');
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_numbers),    UNIT_TEST(test_division),
		UNIT_TEST(test_strings),    UNIT_TEST(test_unknown_conversions),
		UNIT_TEST(test_truncation),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}

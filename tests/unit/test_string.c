/*
 * test_string.c - lib/string.c against the obvious loop, at every alignment and small size, in
 * buffers of exact size so that a byte too many is seen.
 *
 * The functions get other names here: libc's stay in use for everything else.
 */
#include "unit.h"

#undef STRING_H
#define memcpy  our_memcpy
#define memmove our_memmove
#define memset  our_memset
#define memcmp  our_memcmp
#define strcmp  our_strcmp
#define strlen  our_strlen
#define strnlen our_strnlen
#include "../../lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strcmp
#undef strlen
#undef strnlen

#define MAX_SIZE 37

static void fill(uint8_t *bytes, uint32_t size, uint32_t seed)
{
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(seed + i * 11);
}

static void test_memcpy(void **state)
{
	(void)state;
	for (uint32_t size = 0; size <= MAX_SIZE; size++) {
		for (uint32_t align = 0; align < 16; align++) {
			uint32_t s = align & 3, d = align >> 2;
			uint8_t *from = malloc(s + size + 1), *to = malloc(d + size + 1);

			fill(from, s + size, 1);
			fill(to, d + size + 1, 100);
			assert_ptr_equal(our_memcpy(to + d, from + s, size), to + d);
			for (uint32_t i = 0; i < d; i++)
				assert_int_equal(to[i], (uint8_t)(100 + i * 11));
			for (uint32_t i = 0; i < size; i++)
				assert_int_equal(to[d + i], from[s + i]);
			assert_int_equal(to[d + size], (uint8_t)(100 + (d + size) * 11));
			free(from);
			free(to);
		}
	}
}

static void test_memset(void **state)
{
	static const int bytes[] = { 0, 1, 0x7f, 0x80, 0xff, 0x1ff, -1 };

	(void)state;
	for (uint32_t size = 0; size <= MAX_SIZE; size++) {
		for (uint32_t i = 0; i < COUNT(bytes); i++) {
			uint8_t *to = malloc(size + 3);

			fill(to, size + 3, 3);
			assert_ptr_equal(our_memset(to + 1, bytes[i], size), to + 1);
			assert_int_equal(to[0], 3);
			for (uint32_t j = 0; j < size; j++)
				assert_int_equal(to[1 + j], (uint8_t)bytes[i]);
			assert_int_equal(to[1 + size], (uint8_t)(3 + (1 + size) * 11));
			free(to);
		}
	}
}

/* Every overlap, in both directions. */
static void test_memmove(void **state)
{
	(void)state;
	for (uint32_t size = 0; size <= 20; size++) {
		for (uint32_t from = 0; from <= 24; from++) {
			for (uint32_t to = 0; to <= 24; to++) {
				uint8_t is[48], wanted[48], old[48];

				fill(is, sizeof(is), 5);
				fill(old, sizeof(old), 5);
				fill(wanted, sizeof(wanted), 5);
				for (uint32_t i = 0; i < size; i++)
					wanted[to + i] = old[from + i];
				assert_ptr_equal(our_memmove(is + to, is + from, size), is + to);
				for (uint32_t i = 0; i < sizeof(is); i++)
					assert_int_equal(is[i], wanted[i]);
			}
		}
	}
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void test_memcmp(void **state)
{
	static const struct {
		const char *name, *left, *right;
		size_t size;
		int wanted;
	} cases[] = {
		{ "nothing", "a", "b", 0, 0 },
		{ "equal", "abcdefgh", "abcdefgh", 8, 0 },
		{ "last byte", "abcdefgh", "abcdefgi", 8, -1 },
		{ "first byte", "bbcdefgh", "abcdefgh", 8, 1 },
		{ "difference after the end", "abcd", "abcx", 3, 0 },
		{ "bytes are unsigned", "\x80", "\x7f", 1, 1 },
		{ "zeros do not end it", "a\0b", "a\0c", 3, -1 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++)
		assert_case(cases[i].name, sign(our_memcmp(cases[i].left, cases[i].right,
							   cases[i].size)) == cases[i].wanted);
	/* A difference anywhere, in either direction, in buffers of exact size. */
	for (uint32_t size = 1; size <= MAX_SIZE; size++) {
		for (uint32_t at = 0; at < size; at++) {
			uint8_t *left = malloc(size), *right = malloc(size);

			fill(left, size, 9);
			fill(right, size, 9);
			assert_int_equal(our_memcmp(left, right, size), 0);
			right[at] = (uint8_t)(left[at] ^ 0x80);
			assert_int_equal(sign(our_memcmp(left, right, size)),
					 left[at] < right[at] ? -1 : 1);
			assert_int_equal(sign(our_memcmp(right, left, size)),
					 left[at] < right[at] ? 1 : -1);
			free(left);
			free(right);
		}
	}
}

static void test_strcmp(void **state)
{
	static const struct {
		const char *left, *right;
		int wanted;
	} cases[] = {
		{ "", "", 0 },        { "", "a", -1 },       { "abc", "abc", 0 },
		{ "abc", "abd", -1 }, { "abc", "ab", 1 },    { "ab", "abc", -1 },
		{ "b", "abc", 1 },    { "a\0b", "a\0c", 0 }, { "\x80", "\x7f", 1 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++)
		assert_case(cases[i].left,
			    sign(our_strcmp(cases[i].left, cases[i].right)) == cases[i].wanted);
}

static void test_strlen(void **state)
{
	(void)state;
	assert_int_equal(our_strlen(""), 0);
	assert_int_equal(our_strlen("a"), 1);
	assert_int_equal(our_strlen("ab\0cd"), 2);
	for (uint32_t size = 0; size < 40; size++) {
		char *text = malloc(size + 1);

		for (uint32_t i = 0; i < size; i++)
			text[i] = 'x';
		text[size] = '\0';
		assert_int_equal(our_strlen(text), size);
		for (uint32_t max = 0; max <= size + 1; max++)
			assert_int_equal(our_strnlen(text, max), max < size ? max : size);
		free(text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_memcpy), UNIT_TEST(test_memset), UNIT_TEST(test_memmove),
		UNIT_TEST(test_memcmp), UNIT_TEST(test_strcmp), UNIT_TEST(test_strlen),
	};

	return cmocka_run_group_tests_name("string", tests, NULL, NULL);
}

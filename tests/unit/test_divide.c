/*
 * test_divide.c - lib/divide.c against the compiler's own division.
 */
#include "unit.h"

#include "divide.h"

static void test_divide(void **state)
{
	static const uint64_t values[] = { 0,
					   1,
					   9,
					   10,
					   99,
					   0xffffffff,
					   0x100000000,
					   0x123456789abcdef0,
					   0x7fffffffffffffff,
					   0x8000000000000000,
					   UINT64_MAX };
	static const uint32_t divisors[] = { 1,          2,          3,          10,
					     1000,       0x7fffffff, 0x80000000, 0x80000001,
					     0xfffffffe, 0xffffffff };

	(void)state;
	for (uint32_t i = 0; i < COUNT(values); i++) {
		for (uint32_t j = 0; j < COUNT(divisors); j++) {
			uint64_t value = values[i];

			assert_int_equal(divide(&value, divisors[j]), values[i] % divisors[j]);
			assert_true(value == values[i] / divisors[j]);
		}
	}
}

static void test_clamped(void **state)
{
	(void)state;
	assert_int_equal(divide_clamped(1000, 10), 100);
	assert_int_equal(divide_clamped(999, 1000), 0);
	assert_true(divide_clamped(0xffffffff, 1) == 0xffffffff);
	assert_true(divide_clamped(0x1fffffffc, 2) == 0xfffffffe);
	assert_true(divide_clamped(0x100000000, 1) == UINT32_MAX);
	assert_true(divide_clamped(UINT64_MAX, 2) == UINT32_MAX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { UNIT_TEST(test_divide),
						   UNIT_TEST(test_clamped) };

	return cmocka_run_group_tests_name("divide", tests, NULL, NULL);
}

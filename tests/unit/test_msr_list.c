/*
 * test_msr_list.c - msr_list.c: a full list takes no more, an empty one touches nothing.
 */
#include "unit.h"

#include "msr_list.h"

static void test_full(void **state)
{
	static struct msr_list list;

	(void)state;
	list.count = 0;
	for (uint32_t i = 0; i < MSR_LIST_MAX; i++)
		msr_list_add(&list, i, i, 2 * i);
	assert_int_equal(list.count, MSR_LIST_MAX);
	assert_int_equal(list.values[MSR_LIST_MAX - 1].high, 2 * (MSR_LIST_MAX - 1));
	assert_panics("msr_list: MSR 0x3a does not fit", msr_list_add(&list, 0x3a, 5, 0));
	assert_int_equal(list.count, MSR_LIST_MAX);
}

static void test_program(void **state)
{
	struct msr_list list = { 0 };

	(void)state;
	msr_list_program(&list);
	assert_int_equal(fake.cache_flushes, 0);
	fake_msr_set(0x2ff, 0);
	fake_msr_set(0x250, 0);
	msr_list_add(&list, 0x2ff, 0xc06, 0);
	msr_list_add(&list, 0x250, 0x06060606, 0x05050505);
	msr_list_program(&list);
	assert_int_equal(fake_msr_get(0x2ff), 0xc06);
	assert_int_equal(fake_msr_get(0x250), 0x0505050506060606);
	assert_int_equal(fake.cache_flushes, 1);
	/* In order, and with the caches off. */
	assert_int_equal(fake_find(FAKE_WRMSR, 0x2ff, 0)->size, 0);
	assert_true(fake_find(FAKE_WRMSR, 0x2ff, 0) < fake_find(FAKE_WRMSR, 0x250, 0));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_full),
		UNIT_TEST(test_program),
	};

	return cmocka_run_group_tests_name("msr_list", tests, NULL, NULL);
}

/*
 * test_marker.c - marker.c: nothing at all unless it was asked for.
 */
#include "unit.h"

#include "marker.h"

static void test_marker(void **state)
{
	(void)state;
	for (uint32_t on = 0; on < 2; on++) {
		struct fw_cfg cfg;

		fake_reset();
		if (on)
			fake_fw_cfg_file(MARKER_FILE, "1", 1);
		fw_cfg_init(&cfg);
		fake_forget();
		assert_int_equal(marker_init(&cfg), on);
		marker_write(on, MARKER_DO_BOOT);
		assert_int_equal(fake_exits(), 2 * on);
		assert_int_equal(fake_count(FAKE_PORT_WRITE, MARKER_PORT), 2 * on);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_marker),
	};

	return cmocka_run_group_tests_name("marker", tests, NULL, NULL);
}

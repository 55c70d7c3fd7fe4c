/*
 * test_main.c - main.c and everything under it: whole boots on the modelled machine, from main() to
 * the kernel, and what must be true of every one of them.
 */
#include "machine.h"

static bool has_one_cpu(const char *record)
{
	return !strstr(record, "255") && !strstr(record, "288");
}

static void test_every_machine(void **state)
{
	(void)state;
	for (uint32_t r = 0; unit_records[r]; r++) {
		if (!has_one_cpu(unit_records[r]))
			continue;
		for (enum kernel kernel = 0; kernel < KERNELS; kernel++) {
			char name[64];

			snprintf(name, sizeof(name), "%s, kernel %d", unit_records[r], (int)kernel);
			add_machine(unit_records[r], kernel);
			fake.on_pause = others_arrive;
			if (fake_run(run_firmware()) != FAKE_HANDOFF)
				fail_msg("%s: no hand-over: %s", name, fake.panic);
			check_boot(name, kernel);
		}
	}
}

/* Whatever access the machine is reset at, the next boot believes nothing of what it finds. */
static void test_reset_at_every_access(void **state)
{
	static const char *const records[] = { "q35", "pc", "microvm" };

	(void)state;
	for (uint32_t r = 0; r < COUNT(records); r++) {
		uint32_t accesses = UINT32_MAX, n;

		for (n = 1; n <= accesses; n++) {
			add_machine(records[r], (enum kernel)(n % KERNELS));
			fake.on_pause = others_arrive;
			fake.reset_after = n;
			if (fake_run(run_firmware()) == FAKE_HANDOFF)
				accesses = n; /* it is over before this access */
			reset_machine(records[r], (enum kernel)(n % KERNELS));
			if (fake_run(run_firmware()) != FAKE_HANDOFF)
				fail_msg("%s, reset at access %u: %s", records[r], n, fake.panic);
			check_boot(records[r], (enum kernel)(n % KERNELS));
		}
		assert_in_range(n, 12, 500);
	}
}

/* A transfer of fw_cfg that fails, whichever it is, is a panic that says so. */
static void test_every_transfer_fails(void **state)
{
	uint32_t transfers;

	(void)state;
	add_machine("q35", BZIMAGE);
	fake.on_pause = others_arrive;
	assert_int_equal(fake_run(run_firmware()), FAKE_HANDOFF);
	transfers = fake.fw_cfg.transfers;
	assert_in_range(transfers, 8, 40);
	for (uint32_t n = 0; n < transfers; n++) {
		add_machine("q35", BZIMAGE);
		fake.on_pause = others_arrive;
		fake.fw_cfg.fail_after = n;
		if (fake_run(run_firmware()) != FAKE_PANIC)
			fail_msg("transfer %u of %u failed, and nothing was said", n, transfers);
		assert_says(fake.panic, "fw_cfg: ");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_every_machine),
		UNIT_TEST(test_reset_at_every_access),
		UNIT_TEST(test_every_transfer_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

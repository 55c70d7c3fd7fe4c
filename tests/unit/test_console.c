/*
 * test_console.c - console.c, the real one: where messages go, and that a boot that says nothing
 * costs nothing.
 */
#include "unit.h"

#include "../../console.c"

static void test_log_goes_to_the_debug_console_alone(void **state)
{
	(void)state;
	fake.has_debugcon = true;
	fake.has_com1 = true;
	console_log("pci: %u functions", 3u);
	assert_string_equal(fake.debugcon, "qboot: pci: 3 functions\r\n");
	assert_string_equal(fake.com1, "");
}

/* One read to find that nobody listens. */
static void test_log_without_listener(void **state)
{
	(void)state;
	console_log("pci: %u functions", 3u);
	assert_int_equal(fake_exits(), 1);
	assert_int_equal(fake_count(FAKE_PORT_READ, 0x402), 1);
}

static void test_panic_goes_everywhere(void **state)
{
	(void)state;
	fake.has_debugcon = fake.has_com1 = fake.has_debug_exit = true;
	fake.pvpanic = 3;
	assert_int_equal(fake_run(panic("boot: no kernel %s", "here")), FAKE_STOPPED);
	assert_string_equal(fake.debugcon, "qboot: boot: no kernel here\r\n");
	assert_string_equal(fake.com1, "qboot: boot: no kernel here\r\n");
	assert_int_equal(fake.debug_exit_code, 0x2a);
	/* A pvpanic that is told, too, may end QEMU with another status. */
	assert_int_equal(fake.pvpanic_events, 0);
}

static uint64_t read_exit(uint32_t port, uint32_t size)
{
	(void)port;
	(void)size;
	return 0;
}

static void write_exit(uint32_t port, uint32_t size, uint64_t value)
{
	(void)port;
	(void)size;
	fake.debug_exit_code = (uint8_t)value;
}

/* isa-debug-exit is at 0x501 unless QEMU is told to have it at 0xf4. */
static void test_panic_at_either_port(void **state)
{
	static const struct fake_device device = { 0x501, 0x501, false, read_exit, write_exit };

	(void)state;
	fake_add_device(&device);
	assert_int_equal(fake_run(panic("end")), FAKE_STOPPED);
	assert_int_equal(fake.debug_exit_code, 0x2a);
}

/* QEMU's pvpanic knew one event, then two, and three from 9.1 on; 0xff: there is no device. */
static void test_panic_tells_pvpanic(void **state)
{
	static const struct {
		uint8_t known, told;
	} cases[] = { { 1, 1 }, { 3, 1 }, { 7, 1 }, { 2, 0 }, { 0xff, 0 } };

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		fake.pvpanic = cases[i].known;
		assert_int_equal(fake_run(panic("end")), FAKE_STOPPED);
		assert_int_equal(fake.pvpanic_events, cases[i].told);
	}
}

static uint32_t told;

static void pvpanic_pci_write(uint32_t paddr, uint32_t size, uint64_t value)
{
	assert_int_equal(size, 1);
	assert_int_equal(paddr & 0xfff, 0);
	told = (uint32_t)value;
}

/* A pvpanic-pci has no address yet, or one that is not decoded. */
static void test_panic_tells_pvpanic_pci(void **state)
{
	static const struct fake_device mmio = { 0xfebff000, 0xfebff000, true, NULL,
						 pvpanic_pci_write };
	struct fake_pci *pvpanic;

	(void)state;
	fake_pci_add(NULL, 0, 0, 0x8086, 0x1237);
	pvpanic = fake_pci_add(NULL, 5, 0, 0x1b36, 0x0011);
	fake_pci_bar(pvpanic, 0, 0x1000, 0);
	fake_add_device(&mmio);
	told = 0;
	assert_int_equal(fake_run(panic("boot: no kernel")), FAKE_STOPPED);
	assert_int_equal(told, 1);
	assert_int_equal(fake_pci_get(pvpanic, PCI_BAR(0), 4), 0xfebff000);
	assert_int_equal(fake_pci_get(pvpanic, PCI_COMMAND, 2), 2);
}

/* Nothing is written to a port that did not answer, but for the address that asks for PCI. */
static void test_panic_writes_to_nobody(void **state)
{
	(void)state;
	assert_int_equal(fake_run(panic("boot: no kernel")), FAKE_STOPPED);
	assert_int_equal(fake.count[FAKE_PORT_WRITE], 1);
	assert_int_equal(fake_count(FAKE_PORT_WRITE, 0xcf8), 1);
}

static void test_long_messages_are_cut(void **state)
{
	char long_text[2 * CONSOLE_LINE_SIZE];

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	fake.has_debugcon = true;
	console_log("%s", long_text);
	assert_int_equal(strlen(fake.debugcon), CONSOLE_LINE_SIZE - 1 + 2);
	assert_says(fake.debugcon, "qboot: xxxx");
}

static void test_no_ram(void **state)
{
	(void)state;
	fake.has_debugcon = true;
	assert_int_equal(fake_run(console_no_ram()), FAKE_STOPPED);
	assert_says(fake.debugcon, "memory: the RAM ends below 0xf0000, 1 MiB needed");
}

static void test_exception(void **state)
{
	(void)state;
	fake.has_debugcon = true;
	assert_int_equal(fake_run(console_exception(13, 0x28, 0xffff1234)), FAKE_STOPPED);
	assert_says(fake.debugcon, "exception 13 (error code 0x28) in the firmware at 0xffff1234");
}

/* Code of ours is in the ROM and in our part of low RAM, everything else is the kernel's. */
static void test_whose_exception(void **state)
{
	static const struct {
		uint32_t eip;
		const char *where;
	} cases[] = {
		{ 0x00100000, "in the kernel at 0x00100000, " },
		{ 0, "in the kernel at 0x00000000, " },
		{ 0x000e9fff, "in the kernel at 0x000e9fff, " },
		{ 0x000ea000, "in the firmware at 0x000ea000; " },
		{ 0x000effff, "in the firmware at 0x000effff; " },
		{ 0x000f0000, "in the kernel at 0x000f0000, " },
		{ 0xfffeffff, "in the kernel at 0xfffeffff, " },
		{ 0xffff0000, "in the firmware at 0xffff0000; " },
		{ 0xffffffff, "in the firmware at 0xffffffff; " },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		fake.has_debugcon = true;
		assert_int_equal(fake_run(console_exception(6, 0, cases[i].eip)), FAKE_STOPPED);
		assert_says(fake.debugcon, cases[i].where);
	}
}

/* What is said at each level, and where. */
static void test_levels(void **state)
{
	static const struct {
		enum console_level level;
		bool serial;
		const char *debugcon, *com1;
	} cases[] = {
		{ CONSOLE_OFF, true, "", "" },
		{ CONSOLE_ERRORS, true, "qboot: error\r\n", "" },
		{ CONSOLE_STEPS, false, "qboot: step 5 (0 ticks)\r\nqboot: error\r\n", "" },
		{ CONSOLE_STEPS, true, "qboot: step 5 (0 ticks)\r\nqboot: error\r\n",
		  "qboot: step 5 (0 ticks)\r\n" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		fake.has_debugcon = fake.has_com1 = true;
		console_set(cases[i].level, cases[i].serial, false);
		console_step("step %u", 5u);
		console_log("error");
		assert_string_equal(fake.debugcon, cases[i].debugcon);
		assert_string_equal(fake.com1, cases[i].com1);
		assert_int_equal(fake_run(panic("end")), FAKE_STOPPED);
		assert_says(fake.com1, "qboot: end");
	}
	fake_reset();
	console_set(CONSOLE_ERRORS, false, false);
	console_step("nothing");
	assert_int_equal(fake_exits(), 0);
}

/* How long a step took; the modelled TSC goes on by 2^20 each time it is read. */
static void test_times(void **state)
{
	(void)state;
	fake.has_debugcon = true;
	console_set(CONSOLE_ERRORS, false, true);
	assert_false(console_wants_rate());
	console_set(CONSOLE_STEPS, false, false);
	assert_false(console_wants_rate());
	/* What was before the console was set is no part of the first step. */
	fake.tsc += 1ull << 30;
	console_set(CONSOLE_STEPS, false, true);
	assert_true(console_wants_rate());
	console_step("ticks");
	console_set_rate(0);
	assert_true(console_wants_rate());
	console_step("unknown");
	console_set_rate(2000999);
	assert_false(console_wants_rate());
	console_step("time");
	assert_string_equal(fake.debugcon, "qboot: ticks (1048576 ticks)\r\n"
					   "qboot: unknown (1048576 ticks)\r\n"
					   "qboot: time (524 us)\r\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_log_goes_to_the_debug_console_alone),
		UNIT_TEST(test_log_without_listener),
		UNIT_TEST(test_panic_goes_everywhere),
		UNIT_TEST(test_panic_at_either_port),
		UNIT_TEST(test_panic_tells_pvpanic),
		UNIT_TEST(test_panic_tells_pvpanic_pci),
		UNIT_TEST(test_panic_writes_to_nobody),
		UNIT_TEST(test_long_messages_are_cut),
		UNIT_TEST(test_no_ram),
		UNIT_TEST(test_exception),
		UNIT_TEST(test_levels),
		UNIT_TEST(test_times),
		UNIT_TEST(test_whose_exception),
	};

	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}

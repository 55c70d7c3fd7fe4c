/*
 * test_tpm.c - tpm.c: what a TPM is sent by either interface, and what a bad one gets.
 *
 * The modelled TPMs take the steps of the specifications in their order alone, and each may stop
 * answering at any of them.
 */
#include "unit.h"

#include "console.h"
#include "layout.h"
#include "tpm.h"

#define BASE        0xfed40000u
#define LOG_FILE    "etc/tpm/log"
#define TIS_EXITS   32
#define CRB_EXITS   9
#define BUFFER      0x80u
#define TICKS       (PM_TIMER_HZ / 1000) /* a look at the timer takes a millisecond */
#define TWO_SECONDS 2000

/* Where a TPM is, and the last place that it gets to. */
enum stage { IDLE, GRANTED, READY, RECEIVING, GOING, ANSWERED, ENDED };

static struct {
	uint32_t interface;
	enum stage stage, stuck; /* it never leaves this one */
	uint8_t sent[64], answer[64];
	uint32_t sent_size, read_size;
	uint32_t timer;
} tpm;

static void enter(enum stage from, enum stage to)
{
	if (tpm.stage != from)
		fake_fail("the TPM is sent from stage %d to %d, and is in %d", from, to, tpm.stage);
	if (tpm.stuck != from)
		tpm.stage = to;
}

static uint64_t timer_read(uint32_t port, uint32_t size)
{
	(void)port;
	assert_int_equal(size, 4);
	tpm.timer += TICKS;
	return tpm.timer & PM_TIMER_MASK;
}

static uint64_t tis_read(uint32_t paddr, uint32_t size)
{
	switch (paddr - BASE) {
	case 0x00:
		return 0x81 | (tpm.stage == GRANTED ? 0x20 : 0);
	case 0x18:
		if (tpm.stage == READY)
			return 0x40;
		if (tpm.stage == RECEIVING)
			return tpm.sent_size < 12 || tpm.stuck == RECEIVING ? 0x88 : 0x80;
		return tpm.stage == ANSWERED ? 0x90 : 0;
	case 0x24:
		assert_int_equal(size, 1);
		assert_true(tpm.stage == ANSWERED && tpm.read_size < sizeof(tpm.answer));
		return tpm.answer[tpm.read_size++];
	case 0x30:
		return tpm.interface;
	}
	fake_fail("no TIS register 0x%x to read", paddr - BASE);
}

static void tis_write(uint32_t paddr, uint32_t size, uint64_t value)
{
	assert_int_equal(size, 1);
	switch ((paddr - BASE) << 8 | value) {
	case 0x0002:
		enter(IDLE, GRANTED);
		return;
	case 0x0020:
		enter(ENDED, IDLE);
		return;
	case 0x1840:
		enter(tpm.stage == ANSWERED ? ANSWERED : GRANTED,
		      tpm.stage == ANSWERED ? ENDED : READY);
		return;
	case 0x1820:
		assert_int_equal(tpm.sent_size, 12);
		enter(RECEIVING, tpm.stuck == GOING ? GOING : ANSWERED);
		return;
	}
	assert_int_equal(paddr, BASE + 0x24);
	if (tpm.stage == READY)
		tpm.stage = RECEIVING;
	assert_true(tpm.stage == RECEIVING && tpm.sent_size < sizeof(tpm.sent));
	tpm.sent[tpm.sent_size++] = (uint8_t)value;
}

static uint64_t crb_read(uint32_t paddr, uint32_t size)
{
	uint32_t offset = paddr - BASE;

	if (offset >= BUFFER && offset < BUFFER + sizeof(tpm.answer)) {
		assert_int_equal(tpm.stage, ANSWERED);
		return tpm.answer[offset - BUFFER];
	}
	assert_int_equal(size, 4);
	switch (offset) {
	case 0x0c:
		return tpm.stage == GRANTED;
	case 0x30:
		return tpm.interface;
	case 0x44:
		return tpm.stage == READY ? 0 : 2;
	case 0x4c:
		return tpm.stage != ANSWERED;
	}
	fake_fail("no CRB register 0x%x to read", offset);
}

static void crb_write(uint32_t paddr, uint32_t size, uint64_t value)
{
	uint32_t offset = paddr - BASE;

	if (offset >= BUFFER && offset < BUFFER + sizeof(tpm.sent)) {
		assert_int_equal(tpm.stage, READY);
		assert_int_equal(offset - BUFFER, tpm.sent_size);
		tpm.sent[tpm.sent_size++] = (uint8_t)value;
		return;
	}
	assert_int_equal(size, 4);
	switch (offset << 8 | value) {
	case 0x0801:
		enter(IDLE, GRANTED);
		return;
	case 0x4001:
		enter(GRANTED, READY);
		return;
	case 0x4c01:
		assert_int_equal(tpm.sent_size, 12);
		tpm.stage = tpm.stuck == GOING ? GOING : ANSWERED;
		return;
	case 0x4002:
		enter(ANSWERED, ENDED);
		return;
	case 0x0802:
		enter(ENDED, IDLE);
		return;
	}
	fake_fail("0x%x is written to CRB register 0x%x", (uint32_t)value, offset);
}

static struct fw_cfg cfg;

/* A machine with a TPM whose interface identifier is that and which answers with a code. */
static void add_tpm(uint32_t interface, uint32_t code)
{
	const bool crb = (interface & 0xf) == 1;
	const struct fake_device timer = { PM_TIMER_PORT, PM_TIMER_PORT + 3, false, timer_read,
					   NULL };
	const struct fake_device device = { BASE, BASE + 0xfff, true, crb ? crb_read : tis_read,
					    crb ? crb_write : tis_write };

	memset(&tpm, 0, sizeof(tpm));
	tpm.interface = interface;
	tpm.stuck = ENDED + 1;
	tpm.timer = PM_TIMER_MASK - 10; /* it wraps at once */
	for (uint32_t i = 0; i < 4; i++)
		tpm.answer[6 + i] = (uint8_t)(code >> (24 - 8 * i));
	fake_reset();
	fake_ram_add(0, MIB);
	fake_add_device(&timer);
	fake_add_device(&device);
	fake_fw_cfg_file(LOG_FILE, NULL, 65536);
	fw_cfg_init(&cfg);
	fake_forget();
}

static uint32_t exits_to_registers(void)
{
	uint32_t in_buffer = 0;

	for (uint32_t i = 0; i < fake.log_count; i++)
		in_buffer += fake.log[i].address >= BASE + BUFFER;
	return fake_exits() - in_buffer;
}

static void test_commands(void **state)
{
	static const struct {
		const char *name;
		uint32_t interface;
		enum tpm_startup startup;
		uint8_t sent[12];
		uint32_t exits;
	} cases[] = {
		{ "TIS 2.0",
		  0x2100,
		  TPM_STARTUP_CLEAR,
		  { 0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, 0 },
		  TIS_EXITS },
		{ "TIS 2.0, wake",
		  0x2100,
		  TPM_STARTUP_STATE,
		  { 0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, 1 },
		  TIS_EXITS },
		{ "CRB",
		  0x24811,
		  TPM_STARTUP_CLEAR,
		  { 0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, 0 },
		  CRB_EXITS },
		{ "CRB, wake",
		  0x24811,
		  TPM_STARTUP_STATE,
		  { 0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, 1 },
		  CRB_EXITS },
		{ "TIS 1.2",
		  0xffffffff,
		  TPM_STARTUP_CLEAR,
		  { 0, 0xc1, 0, 0, 0, 12, 0, 0, 0, 0x99, 0, 1 },
		  TIS_EXITS },
		{ "TIS 1.2, wake",
		  0xffffffff,
		  TPM_STARTUP_STATE,
		  { 0, 0xc1, 0, 0, 0, 12, 0, 0, 0, 0x99, 0, 2 },
		  TIS_EXITS },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		add_tpm(cases[i].interface, 0);
		tpm_start(&cfg, cases[i].startup);
		assert_case_equal(cases[i].name, tpm.sent_size, 12);
		assert_case(cases[i].name, memcmp(tpm.sent, cases[i].sent, 12) == 0);
		assert_case_equal(cases[i].name, tpm.stage, IDLE);
		assert_case_equal(cases[i].name, exits_to_registers(), cases[i].exits);
		assert_case(cases[i].name, !fake.console[0]);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *name;
		uint32_t interface, code;
		enum tpm_startup startup;
		const char *said; /* NULL: nothing */
	} cases[] = {
		{ "2.0 is started", 0x2100, 0x100, TPM_STARTUP_CLEAR, NULL },
		{ "CRB is started", 0x24811, 0x100, TPM_STARTUP_CLEAR, NULL },
		{ "1.2 is started", 0xffffffff, 38, TPM_STARTUP_CLEAR, NULL },
		{ "38 of 2.0", 0x2100, 38, TPM_STARTUP_CLEAR,
		  "tpm: the TPM refuses TPM2_Startup(CLEAR) with code 0x26" },
		{ "0x100 of 1.2", 0xffffffff, 0x100, TPM_STARTUP_CLEAR,
		  "tpm: the TPM refuses TPM_Startup(CLEAR) with code 0x100" },
		{ "no saved state", 0x24811, 0x1c4, TPM_STARTUP_STATE,
		  "TPM2_Startup(STATE) with code 0x1c4, so it has not been started; the operating "
		  "system went to sleep without" },
		{ "garbage", 0x24811, 0xffffffff, TPM_STARTUP_CLEAR, "with code 0xffffffff" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		add_tpm(cases[i].interface, cases[i].code);
		tpm_start(&cfg, cases[i].startup);
		assert_case_equal(cases[i].name, tpm.stage, IDLE);
		if (!cases[i].said)
			assert_case(cases[i].name, !fake.console[0]);
		else
			assert_says(fake.console, cases[i].said);
	}
}

/* A TPM that hangs is waited for two seconds and no more, and named in one line. */
static void test_hangs(void **state)
{
	static const struct {
		uint32_t interface;
		enum stage stuck;
		const char *said;
	} cases[] = {
		{ 0x2100, IDLE, "grant locality 0" },
		{ 0x2100, GRANTED, "become ready for a command" },
		{ 0x2100, RECEIVING, "take the command" },
		{ 0x2100, GOING, "answer the command" },
		{ 0x24811, IDLE, "grant locality 0" },
		{ 0x24811, GRANTED, "become ready for a command" },
		{ 0x24811, GOING, "answer the command" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		char line[CONSOLE_LINE_SIZE];

		add_tpm(cases[i].interface, 0);
		tpm.stuck = cases[i].stuck;
		if (i & 1)
			tpm.timer = 0x900000; /* it does not wrap */
		tpm_start(&cfg, TPM_STARTUP_CLEAR);
		snprintf(line, sizeof(line),
			 "tpm: the TPM does not %s within 2 s, so it has not been started; look at "
			 "the program behind -tpmdev\n",
			 cases[i].said);
		assert_string_equal(fake.console, line);
		assert_in_range(fake_count(FAKE_PORT_READ, PM_TIMER_PORT), TWO_SECONDS,
				TWO_SECONDS + 10);
	}
}

/* Without its timer nothing is waited for. */
static void test_no_timer(void **state)
{
	(void)state;
	add_tpm(0x24811, 0);
	tpm.stuck = IDLE;
	fake.devices[0].first = fake.devices[0].last = 0x9999;
	tpm_start(&cfg, TPM_STARTUP_CLEAR);
	assert_says(fake.console, "grant locality 0");
	assert_int_equal(fake_exits(), 4);
}

static void test_absent(void **state)
{
	(void)state;
	fake_ram_add(0, MIB);
	fw_cfg_init(&cfg);
	fake_forget();
	tpm_start(&cfg, TPM_STARTUP_CLEAR);
	fake_fw_cfg_file(LOG_FILE, NULL, 0);
	fw_cfg_init(&cfg);
	fake_forget();
	tpm_start(&cfg, TPM_STARTUP_CLEAR);
	assert_int_equal(fake_exits(), 0);
	assert_int_equal(fake.console[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_commands), UNIT_TEST(test_refusals), UNIT_TEST(test_hangs),
		UNIT_TEST(test_no_timer), UNIT_TEST(test_absent),
	};

	return cmocka_run_group_tests_name("tpm", tests, NULL, NULL);
}

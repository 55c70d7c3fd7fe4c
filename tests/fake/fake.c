/*
 * fake.c - the modelled machine: its state, what counts accesses, how firmware code ends.
 */
#include "fake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake fake;
void (*fake_fail_hook)(const char *message);

void fake_fail(const char *message, ...)
{
	char line[2048];
	va_list args;

	va_start(args, message);
	vsnprintf(line, sizeof(line), message, args);
	va_end(args);
	fake.armed = false;
	if (fake_fail_hook)
		fake_fail_hook(line);
	fprintf(stderr, "%s\n", line);
	abort();
}

void fake_leave(enum fake_end end)
{
	if (!fake.armed)
		fake_fail(
			"fake: the firmware ended (%d: 1 panic, 2 stop, 3 reset, 4 handoff) where it should "
			"have returned: %s",
			end, fake.panic);
	longjmp(fake.end, end);
}

void fake_reset(void)
{
	fake_pci_reset();
	fake_fw_cfg_reset();
	fake_ram_reset();
	/* The log is large and counted. */
	memset(&fake.reset_after, 0, sizeof(fake) - offsetof(struct fake, reset_after));
	fake_forget();
	fake.fw_cfg.present = true;
	fake.fw_cfg.dma = true;
	fake.fw_cfg.fail_after = UINT32_MAX;
}

void fake_note(enum fake_kind kind, uint32_t address, uint32_t size, uint64_t value)
{
	fake.count[kind]++;
	if (fake.log_count < FAKE_LOG_SIZE)
		fake.log[fake.log_count++] = (struct fake_access){ kind, address, size, value };
	if (fake.on_access)
		fake.on_access();
	if (fake.reset_after && !--fake.reset_after)
		fake_leave(FAKE_RESET);
}

void fake_forget(void)
{
	memset(fake.count, 0, sizeof(fake.count));
	fake.log_count = 0;
}

uint32_t fake_exits(void)
{
	return fake.count[FAKE_PORT_READ] + fake.count[FAKE_PORT_WRITE] +
	       fake.count[FAKE_MMIO_READ] + fake.count[FAKE_MMIO_WRITE] + fake.count[FAKE_CPUID];
}

const struct fake_access *fake_find(enum fake_kind kind, uint32_t address, uint32_t n)
{
	for (uint32_t i = 0; i < fake.log_count; i++)
		if (fake.log[i].kind == kind && fake.log[i].address == address && !n--)
			return &fake.log[i];
	return NULL;
}

uint32_t fake_count(enum fake_kind kind, uint32_t address)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < fake.log_count; i++)
		count += fake.log[i].kind == kind && fake.log[i].address == address;
	return count;
}

/*
 * console.c - the console of tests that are not about the console: keeps what was said.
 */
#include "console.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fake.h"

void console_log(const char *message, ...)
{
	size_t length = strlen(fake.console);
	va_list args;

	if (sizeof(fake.console) - length < 2)
		return; /* full; the last byte is for the end of a line */
	va_start(args, message);
	vsnprintf(fake.console + length, sizeof(fake.console) - length - 1, message, args);
	va_end(args);
	strcat(fake.console, "\n");
}

void console_set(enum console_level level, bool serial, bool has_tsc)
{
	fake.console_level = level;
	fake.console_serial = serial;
	(void)has_tsc;
}

bool console_wants_rate(void)
{
	return fake.console_level == CONSOLE_STEPS && !fake.console_tsc_khz;
}

void console_set_rate(uint32_t tsc_khz)
{
	fake.console_tsc_khz = tsc_khz;
}

void console_step(const char *message, ...)
{
	(void)message;
}

noreturn void panic(const char *message, ...)
{
	va_list args;

	va_start(args, message);
	vsnprintf(fake.panic, sizeof(fake.panic), message, args);
	va_end(args);
	fake_leave(FAKE_PANIC);
}

noreturn void console_exception(uint32_t vector, uint32_t error_code, uint32_t eip)
{
	fake_fail("fake: exception %u (0x%x) at 0x%x", vector, error_code, eip);
}

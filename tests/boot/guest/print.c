/* print.c - COM1, the score, and the end of the run. */
#include <stdarg.h>

#include "guest.h"
#include "io.h"

/* clang-format off */
#define COM1                    0x3f8
#define COM1_LINE_STATUS        0x3fd
  #define TRANSMITTER_EMPTY       0x20
/* clang-format on */

static uint32_t checks, failures;

static void put(char c)
{
	while (!(inb(COM1_LINE_STATUS) & TRANSMITTER_EMPTY))
		;
	outb(COM1, (uint8_t)c);
}

static void put_string(const char *string)
{
	while (*string)
		put(*string++);
}

static void put_hex(uint64_t value)
{
	int shift = 60;

	put_string("0x");
	while (shift && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put("0123456789abcdef"[(value >> shift) & 0xf]);
}

static void put_decimal(uint32_t value)
{
	if (value >= 10)
		put_decimal(value / 10);
	put((char)('0' + value % 10));
}

static void put_format(const char *format, va_list args)
{
	for (; *format; format++) {
		if (*format != '%') {
			put(*format);
			continue;
		}
		switch (*++format) {
		case 's':
			put_string(va_arg(args, const char *));
			break;
		case 'c':
			put((char)va_arg(args, int));
			break;
		case 'u':
			put_decimal(va_arg(args, uint32_t));
			break;
		case 'x':
			put_hex(va_arg(args, uint32_t));
			break;
		case 'l': /* %llx */
			format += 2;
			put_hex(va_arg(args, uint64_t));
			break;
		}
	}
}

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_format(format, args);
	va_end(args);
}

bool check(bool ok, const char *name, const char *expected, const char *found, ...)
{
	va_list args;

	checks++;
	if (ok) {
		print("OK %s: ", name);
	} else {
		failures++;
		print("FAIL %s: expected %s, found ", name, expected);
	}
	va_start(args, found);
	put_format(found, args);
	va_end(args);
	put('\n');
	return ok;
}

bool check_equal(const char *name, uint64_t expected, uint64_t found)
{
	checks++;
	if (expected == found) {
		print("OK %s: %llx\n", name, found);
		return true;
	}
	failures++;
	print("FAIL %s: expected %llx, found %llx\n", name, expected, found);
	return false;
}

bool all_passed(void)
{
	return !failures;
}

_Noreturn void finish(void)
{
	if (failures)
		print("FAILED %u of %u\n", failures, checks);
	else
		print("PASS %u checks\n", checks);
	outl(PORT_DEBUG_EXIT, failures ? 0x11 : 0x10);
	for (;;)
		__asm__ volatile("cli; hlt");
}

_Noreturn void exception(const uint32_t *frame);

/* frame: vector, error code, EIP, CS, EFLAGS */
_Noreturn void exception(const uint32_t *frame)
{
	check(false, "exception", "none", "vector %u, error %x, at image + %x", frame[0], frame[1],
	      frame[2] - paddr_of(image_start));
	finish();
}

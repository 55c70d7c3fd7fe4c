/* format.c - see format.h. */
#include "format.h"

#include <stdbool.h>
#include <stdint.h>

#include "divide.h"

struct output {
	char *next;
	char *last; /* room for the terminator */
};

static void put(struct output *out, char c)
{
	if (out->next < out->last)
		*out->next++ = c;
}

static void put_number(struct output *out, uint64_t value, bool hex, int width, char fill)
{
	char digits[20];
	int count = 0;

	do {
		uint32_t digit = hex ? (uint32_t)value & 0xf : divide(&value, 10);

		if (hex)
			value >>= 4;
		digits[count++] = "0123456789abcdef"[digit];
	} while (value);
	for (; width > count; width--)
		put(out, fill);
	while (count)
		put(out, digits[--count]);
}

size_t format(char *text, size_t size, const char *message, va_list args)
{
	struct output out = { .next = text, .last = text + size - 1 };

	for (const char *m = message; *m; m++) {
		const char *start = m;
		bool wide = false;
		char fill = ' ';
		int width = 0;

		if (*m != '%') {
			put(&out, *m);
			continue;
		}
		m++;
		if (*m == '0')
			fill = *m++;
		while (*m >= '0' && *m <= '9')
			width = width * 10 + (*m++ - '0');
		if (m[0] == 'l' && m[1] == 'l') {
			wide = true;
			m += 2;
		}
		switch (*m) {
		case 's':
			for (const char *s = va_arg(args, const char *); *s; s++)
				put(&out, *s);
			break;
		case 'u':
		case 'x':
			put_number(&out, wide ? va_arg(args, uint64_t) : va_arg(args, unsigned int),
				   *m == 'x', width, fill);
			break;
		case '%':
			put(&out, '%');
			break;
		default:
			put(&out, '%');
			m = start; /* what follows is text */
			break;
		}
	}
	*out.next = '\0';
	return (size_t)(out.next - text);
}

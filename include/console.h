/*
 * console.h - the only way to speak.
 *
 * Silent unless something is wrong: nothing is probed and no byte is written before the first
 * message.  console_log() goes to QEMU's debug console alone (port 0x402, when it answers 0xe9), so
 * that the serial line belongs to the guest; panic() also goes to COM1, when there is one.
 * Messages are one line, without a newline: "module: what was tried, what was found, what to do".
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

#define CONSOLE_LINE_SIZE 256 /* longer messages are cut */

enum console_level {
	CONSOLE_OFF,    /* panic() alone speaks */
	CONSOLE_ERRORS, /* console_log(), too: this is how a boot begins */
	CONSOLE_STEPS,  /* console_step(), too */
};

/*
 * Sets what is said from here on.  serial: steps go to COM1, too.  has_tsc: the processor has
 * RDTSC, and each step tells how long it took, in ticks of the TSC, or in microseconds when its
 * rate is known.
 */
void console_set(enum console_level level, bool serial, bool has_tsc);

/*
 * Whether steps are told in ticks because the rate is not known; sets it, to 0 if nothing tells it.
 */
bool console_wants_rate(void);
void console_set_rate(uint32_t tsc_khz);

/* What a step of the boot found.  Without CONSOLE_STEPS it costs no exit. */
void console_step(const char *message, ...) __attribute__((format(printf, 1, 2)));

/* Something unexpected that the boot can live with. */
void console_log(const char *message, ...) __attribute__((format(printf, 1, 2)));

/*
 * Something the boot cannot live with: prints the message and stops with interrupts off.  Where
 * there is an isa-debug-exit, QEMU ends with status 85; else pvpanic is told, on the ISA bus or on
 * PCI bus 0.
 */
noreturn void panic(const char *message, ...) __attribute__((format(printf, 1, 2)));

/*
 * Says that there is less RAM than the firmware is linked to.  start.S calls it on another stack,
 * with neither .data nor .bss, of which panic() needs nothing.
 */
noreturn void console_no_ram(void);

/*
 * Reports an exception and stops.  start.S calls it with what the processor pushed.  In the
 * firmware an exception is a mistake of ours, or of the machine's; elsewhere it is the kernel's,
 * which runs with our handlers until it has its own.
 */
noreturn void console_exception(uint32_t vector, uint32_t error_code, uint32_t eip);

#endif

/*
 * unit.h - what every unit test includes: cmocka, the modelled machine, and how to assert on both.
 *
 * A test file ends in UNIT_MAIN(test_a, test_b, ...); each test starts on an empty machine.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "fw_cfg.h"
#include "memmap.h"
#include "spec/linux.h"
#include "string.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KIB          0x400ull
#define MIB          0x100000ull
#define GIB          0x40000000ull

char *strstr(const char *haystack, const char *needle);

/* The statement panics, and the message has these words. */
#define assert_panics(words, statement) \
	do { \
		fake.panic[0] = '\0'; \
		if (fake_run(statement) != FAKE_PANIC) \
			fail_msg("no panic with \"%s\"", words); \
		assert_says(fake.panic, words); \
	} while (0)

#define assert_says(text, words) \
	do { \
		if (!strstr(text, words)) \
			fail_msg("\"%s\" does not say \"%s\"", text, words); \
	} while (0)

/* For tables of cases: names the case that fails. */
#define assert_case(name, condition) \
	do { \
		if (!(condition)) \
			fail_msg("case \"%s\": %s is false", name, #condition); \
	} while (0)

#define assert_case_equal(name, is, wanted) \
	do { \
		unsigned long long is_ = (unsigned long long)(is), \
				   wanted_ = (unsigned long long)(wanted); \
		if (is_ != wanted_) \
			fail_msg("case \"%s\": %s is 0x%llx, not 0x%llx", name, #is, is_, \
				 wanted_); \
	} while (0)

/* A fixed sequence of numbers, the same on every run and host. */
static inline uint32_t unit_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* The whole file of tests/data; the test's own memory. */
uint8_t *unit_read(const char *name, uint32_t *size);

/* The recordings of tests/data that have ACPI tables, made by scripts/record_blobs.py. */
extern const char *const unit_records[]; /* NULL at the end */

/* Puts a recording's CPU count and those files that are not there yet into the modelled fw_cfg. */
void unit_load(const char *record);

/* The fixed ranges of a machine without ECAM. */
#define UNIT_RANGES 4
extern const struct memory_range unit_ranges[UNIT_RANGES];

/*
 * A machine with RAM from 0 to ram_end and fw_cfg set up: what memmap_init() makes of it.  Call it
 * before other fw_cfg files are added; they are seen after fw_cfg_init(cfg).
 */
void unit_machine(struct fw_cfg *cfg, struct memmap *map, uint32_t ram_end);

/* The setup header of a small relocatable bzImage that can be entered in either mode. */
extern const struct linux_setup_header unit_setup_header;

/* Whether [base, end) is told the operating system as reserved: in the pool, or taken from RAM. */
bool unit_is_kept(const struct memmap *map, uint64_t base, uint64_t end);

/* An exact-size copy, so that the sanitizer sees every byte read past its end. */
uint8_t *unit_copy(const void *bytes, uint32_t size);

int unit_setup(void **state);
int unit_teardown(void **state);

#define UNIT_TEST(function) cmocka_unit_test_setup_teardown(function, unit_setup, unit_teardown)

#endif

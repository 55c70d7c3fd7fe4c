/*
 * test_fdt.c - lib/fdt.c: a tree built here, then every truncation and every broken cell of it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fdt.h"

static uint32_t tree[64];
static uint32_t tree_size;

static void make_tree(void)
{
	/* / { x = ""; chosen { reg = <7>; };
	 *     pcie@c0000000 { a { reg = <9>; }; x = <5>; reg = <1 2>; }; } */
	static const uint32_t tokens[] = {
		1,          0, 3, 0, 4,          1,          0x63686f73, 0x656e0000, 3, 4,
		0,          7, 2, 1, 0x70636965, 0x40633030, 0x30303030, 0x30000000, 4, 1,
		0x61000000, 3, 4, 0, 9,          2,          3,          4,          4, 5,
		3,          8, 0, 1, 2,          2,          2,          9,
	};
	uint32_t count = sizeof(tokens) / sizeof(tokens[0]);

	tree[0] = __builtin_bswap32(0xd00dfeed);
	tree[2] = __builtin_bswap32(40);
	tree[3] = __builtin_bswap32(40 + 4 * count);
	for (uint32_t i = 0; i < count; i++)
		tree[10 + i] = __builtin_bswap32(tokens[i]);
	tree[8] = __builtin_bswap32(6);
	tree[9] = __builtin_bswap32(4 * count);
	memcpy(&tree[10 + count], "reg\0x\0\0", 8);
	tree_size = 48 + 4 * count;
}

static void test_finds(void **state)
{
	const be32 *cells;
	uint32_t count = 0;

	(void)state;
	make_tree();
	cells = fdt_find_property(tree, tree_size, "pcie", "reg", &count);
	assert_non_null(cells);
	assert_int_equal(count, 2);
	assert_int_equal(be32_get(cells[1]), 2);
	assert_non_null(fdt_find_property(tree, tree_size, "chosen", "reg", &count));
	assert_null(fdt_find_property(tree, tree_size, "pci", "reg", &count));
	assert_null(fdt_find_property(tree, tree_size, "a", "reg", &count));
	assert_null(fdt_find_property(tree, tree_size, "pcie", "re", &count));
	assert_null(fdt_find_property(tree, tree_size, "chosen", "x", &count));
	cells = fdt_find_property(tree, tree_size, "pcie", "x", &count);
	assert_int_equal(count, 1);
	assert_int_equal(be32_get(cells[0]), 5);
	/* A name that does not end is none, even if all there is of it agrees. */
	assert_null(fdt_find_property(tree, __builtin_bswap32(tree[3]) + 3, "pcie", "reg", &count));
}

/* In memory of that size exactly, so that a sanitizer sees what is read beyond. */
static void find_in_copy(uint32_t size)
{
	uint32_t *copy = malloc(size ? size : 1);
	uint32_t count = 0;
	const be32 *cells;

	memcpy(copy, tree, size);
	cells = fdt_find_property(copy, size, "pcie", "reg", &count);
	if (cells)
		assert_true((const uint8_t *)(cells + count) <= (const uint8_t *)copy + size);
	free(copy);
}

static void test_believes_nothing(void **state)
{
	static const uint32_t values[] = { 0,    1,          2,          3,          4,         5,
					   0xff, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff };

	(void)state;
	make_tree();
	for (uint32_t size = 0; size <= tree_size; size++)
		find_in_copy(size);
	tree[3] = 0; /* the names are not what is cut off */
	for (uint32_t size = 0; size <= tree_size; size++)
		find_in_copy(size);
	for (uint32_t cell = 0; cell < tree_size / 4; cell++)
		for (uint32_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			make_tree();
			tree[cell] = __builtin_bswap32(values[i]);
			find_in_copy(tree_size);
		}
}

static void test_is_whole(void **state)
{
	uint32_t strings_end;

	(void)state;
	make_tree();
	strings_end = __builtin_bswap32(tree[3]) + 6;
	for (uint32_t size = 0; size <= sizeof(tree); size++)
		assert_int_equal(fdt_is_whole(tree, size), size >= strings_end);
	/*
	 * Offsets and sizes of both parts, each of them beyond the end, and with a sum that wraps.
	 */
	for (uint32_t cell = 2; cell < 10; cell++) {
		if (cell > 3 && cell < 8)
			continue;
		for (uint32_t i = 0; i < 2; i++) {
			make_tree();
			tree[cell] = i ? 0xffffffff : __builtin_bswap32(sizeof(tree));
			assert_false(fdt_is_whole(tree, strings_end));
		}
	}
	make_tree();
	tree[0] = 0;
	assert_false(fdt_is_whole(tree, sizeof(tree)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_believes_nothing),
		cmocka_unit_test(test_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

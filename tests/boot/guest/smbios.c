/* smbios.c - DSP0134: entry points, and every structure up to type 127. */
#include "guest.h"

#define SCAN_BASE 0xe0000u /* operating systems begin here or at 0xf0000 */
#define SCAN_END  0x100000u

/* 2.1 (32-bit) entry point */
#define SM_LENGTH        0x05
#define SM_MAJOR         0x06
#define SM_MAX_SIZE      0x08
#define SM_DMI           0x10
#define SM_DMI_SIZE      0x0f
#define SM_TABLE_LENGTH  0x16
#define SM_TABLE_ADDRESS 0x18
#define SM_COUNT         0x1c

/* 3.0 (64-bit) entry point */
#define SM3_LENGTH        0x06
#define SM3_MAJOR         0x07
#define SM3_MAX_LENGTH    0x0c
#define SM3_TABLE_ADDRESS 0x10

#define TYPE_END       127
#define TYPE4_SIZE_2_8 0x2a
#define TYPE4_SIZE_3_0 0x30

struct walk {
	uint32_t count, length, largest;
	bool ended, type0, type1;
};

/* One past the structure at p; NULL when it is not whole. */
static const uint8_t *next_structure(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *q = p + p[1];

	if (p + 4 > end || p[1] < 4 || q + 2 > end)
		return NULL;
	while (q + 2 <= end && (q[0] || q[1]))
		q++;
	return q + 2 <= end ? q + 2 : NULL;
}

static struct walk walk(uint32_t paddr, uint32_t length)
{
	const uint8_t *start = at(paddr), *p = start, *end = start + length, *q;
	struct walk w = { .count = 0 };

	while (!w.ended && (q = next_structure(p, end))) {
		w.count++;
		if ((uint32_t)(q - p) > w.largest)
			w.largest = (uint32_t)(q - p);
		w.type0 |= p[0] == 0;
		w.type1 |= p[0] == 1;
		w.ended = p[0] == TYPE_END;
		p = q;
	}
	w.length = (uint32_t)(p - start);
	return w;
}

/*
 * How many bytes of QEMU's file at offset are those of the structure at p, which has so many; those
 * of a type 4 of SMBIOS 2.8 are, with 3.0's three fields in between.
 */
static uint32_t given(uint16_t selector, uint32_t offset, const uint8_t *p, uint32_t size)
{
	uint32_t at_p = (uint32_t)(uintptr_t)p;

	if (fw_cfg_compare(selector, offset, at_p, size) == size)
		return size;
	if (p[0] == 4 && p[1] == TYPE4_SIZE_3_0 && fw_cfg_compare(selector, offset, at_p, 1) == 1 &&
	    fw_cfg_compare(selector, offset + 2, at_p + 2, TYPE4_SIZE_2_8 - 2) ==
		    TYPE4_SIZE_2_8 - 2 &&
	    fw_cfg_compare(selector, offset + TYPE4_SIZE_2_8, at_p + TYPE4_SIZE_3_0,
			   size - TYPE4_SIZE_3_0) == size - TYPE4_SIZE_3_0)
		return size - TYPE4_SIZE_3_0 + TYPE4_SIZE_2_8;
	return 0;
}

/* QEMU's structures are all there, unchanged and in order; the firmware's type 0 may be first. */
static void check_content(uint32_t table, struct walk w)
{
	const uint8_t *p = at(table);
	uint32_t size, offset = 0;
	uint16_t selector;

	if (!fw_cfg_find("etc/smbios/smbios-tables", &selector, &size))
		return;
	for (uint32_t i = 0; i < w.count; i++) {
		const uint8_t *end = next_structure(p, at(table + w.length));
		uint32_t same = given(selector, offset, p, (uint32_t)(end - p));

		if (!same && (p[0] != 0 || offset))
			break;
		offset += same;
		p = end;
	}
	check_equal("smbios.equal-up-to", size, offset);
}

/* The version says what the structures are: from 3.0 on a type 4 has three fields more. */
static void check_version(uint32_t major, uint32_t table, struct walk w)
{
	const uint8_t *p = at(table);
	uint32_t wanted = major >= 3 ? TYPE4_SIZE_3_0 : TYPE4_SIZE_2_8;

	for (uint32_t i = 0; i < w.count; i++, p = next_structure(p, at(table + w.length)))
		if (p[0] == 4 && p[1] != wanted) {
			check_equal("smbios.version", wanted, p[1]);
			return;
		}
	check_equal("smbios.version", 0, 0);
}

static void check_structures(struct walk w)
{
	check(w.ended, "smbios.end", "type 127 inside the table", "%u structures, %x bytes",
	      w.count, w.length);
	check(w.type0, "smbios.type0", "one", "%s", w.type0 ? "one" : "none");
	check(w.type1, "smbios.type1", "one", "%s", w.type1 ? "one" : "none");
}

static void check_entry_point_21(uint32_t paddr)
{
	const uint8_t *e = at(paddr);
	uint32_t table = get32(e + SM_TABLE_ADDRESS), length = get16(e + SM_TABLE_LENGTH);
	struct walk w;

	if (!check(e[SM_LENGTH] >= 0x1e && !sum8(e, e[SM_LENGTH]) &&
			   starts_with((const char *)e + SM_DMI, "_DMI_") &&
			   !sum8(e + SM_DMI, SM_DMI_SIZE),
		   "smbios.anchor", "sums of 0", "_SM_ at %x, table at %x, %x bytes", paddr, table,
		   length))
		return;
	occupies(TABLE, "_SM_", paddr, e[SM_LENGTH]);
	occupies(TABLE, "SMBIOS", table, length);
	w = walk(table, length);
	check_structures(w);
	check_content(table, w);
	check_version(e[SM_MAJOR], table, w);
	check_equal("smbios.length", length, w.length);
	check_equal("smbios.count", get16(e + SM_COUNT), w.count);
	check_equal("smbios.largest", get16(e + SM_MAX_SIZE), w.largest);
}

static void check_entry_point_30(uint32_t paddr)
{
	const uint8_t *e = at(paddr);
	uint64_t table = get64(e + SM3_TABLE_ADDRESS);
	uint32_t length = get32(e + SM3_MAX_LENGTH);
	struct walk w;

	if (!check(e[SM3_LENGTH] >= 0x18 && !sum8(e, e[SM3_LENGTH]) && table + length < GIB4,
		   "smbios.anchor", "a sum of 0", "_SM3_ at %x, table at %llx, %x bytes", paddr,
		   table, length))
		return;
	occupies(TABLE, "_SM3_", paddr, e[SM3_LENGTH]);
	occupies(TABLE, "SMBIOS", table, length);
	w = walk((uint32_t)table, length);
	check_structures(w);
	check_content((uint32_t)table, w);
	check_version(e[SM3_MAJOR], (uint32_t)table, w);
}

void check_smbios(void)
{
	uint32_t anchors = 0, size;
	uint16_t selector;

	for (uint32_t paddr = SCAN_BASE; paddr < SCAN_END; paddr += 16) {
		if (starts_with(at(paddr), "_SM_")) {
			check_entry_point_21(paddr);
			anchors++;
		} else if (starts_with(at(paddr), "_SM3_")) {
			check_entry_point_30(paddr);
			anchors++;
		}
	}
	if (fw_cfg_find("etc/smbios/smbios-anchor", &selector, &size))
		check(anchors == 1, "smbios", "one anchor", "%u", anchors);
}

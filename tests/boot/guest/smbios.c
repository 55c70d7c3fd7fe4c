/* smbios.c - DSP0134: entry points, and every structure up to type 127. */
#include "guest.h"

#define SCAN_BASE 0xf0000u
#define SCAN_END  0x100000u

/* 2.1 (32-bit) entry point */
#define SM_LENGTH        0x05
#define SM_MAX_SIZE      0x08
#define SM_DMI           0x10
#define SM_DMI_SIZE      0x0f
#define SM_TABLE_LENGTH  0x16
#define SM_TABLE_ADDRESS 0x18
#define SM_COUNT         0x1c

/* 3.0 (64-bit) entry point */
#define SM3_LENGTH        0x06
#define SM3_MAX_LENGTH    0x0c
#define SM3_TABLE_ADDRESS 0x10

#define TYPE_END 127

struct walk {
	uint32_t count, length, largest;
	bool ended, type0, type1;
};

static struct walk walk(uint32_t paddr, uint32_t length)
{
	const uint8_t *start = at(paddr), *p = start, *end = start + length;
	struct walk w = { .count = 0 };

	while (!w.ended && p + 4 <= end && p[1] >= 4 && p + p[1] + 2 <= end) {
		const uint8_t *q = p + p[1];

		while (q + 2 <= end && (q[0] || q[1]))
			q++;
		if (q + 2 > end)
			break;
		q += 2;
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

/* QEMU's structures are all there and unchanged; before them may be a type 0 of the firmware's. */
static void check_content(uint32_t table, struct walk w)
{
	uint32_t size;
	uint16_t selector;

	if (!fw_cfg_find("etc/smbios/smbios-tables", &selector, &size) || size > w.length)
		return;
	check_equal("smbios.equal-up-to", size,
		    fw_cfg_compare(selector, 0, table + w.length - size, size));
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
		check(anchors != 0, "smbios", "an anchor", "%u", anchors);
}

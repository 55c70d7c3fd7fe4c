/*
 * registers.c - the processor at the first instruction against the text of each protocol.
 *
 * Segment descriptors are read from the firmware's GDT, as lar and lsl would.
 */
#include "guest.h"
#include "start.h"

_Static_assert(PROTOCOL_PVH == PVH && PROTOCOL_LINUX32 == LINUX32 && PROTOCOL_LINUX64 == LINUX64 &&
		       PROTOCOL_MULTIBOOT == MULTIBOOT,
	       "start.h");
_Static_assert(offsetof(struct entry_state, eax) == STATE_EAX, "start.h");
_Static_assert(offsetof(struct entry_state, edi) == STATE_EDI, "start.h");
_Static_assert(offsetof(struct entry_state, efer) == STATE_EFER, "start.h");
_Static_assert(offsetof(struct entry_state, tr) == STATE_TR, "start.h");
_Static_assert(offsetof(struct entry_state, gdt_limit) == STATE_GDT, "start.h");
_Static_assert(sizeof(struct entry_state) == STATE_SIZE, "start.h");

#define CR0_PE       (1u << 0)
#define CR0_ET       (1u << 4) /* reads as one on every processor */
#define CR0_PG       (1u << 31)
#define CR4_PAE      (1u << 5)
#define CR4_LA57     (1u << 12)
#define EFER_LME_LMA 0x500u
#define EFLAGS_TF    (1u << 8)
#define EFLAGS_IF    (1u << 9)
#define EFLAGS_VM    (1u << 17)

#define BOOT_CS 0x10
#define BOOT_DS 0x18

struct segment {
	uint32_t base, limit;
	uint32_t type; /* with S: 0x10 set for code and data, 0x1b is read/execute code */
	bool present, big, long_mode;
};

static bool segment_read(uint32_t selector, struct segment *segment)
{
	uint32_t low, high;

	if ((selector & ~7u) == 0 || (selector & 4) || (selector | 7) > entry_state.gdt_limit)
		return false;
	low = get32(at(entry_state.gdt_base + (selector & ~7u)));
	high = get32(at(entry_state.gdt_base + (selector & ~7u) + 4));
	segment->base = low >> 16 | (high & 0xff) << 16 | (high & 0xff000000);
	segment->limit = (low & 0xffff) | (high & 0xf0000);
	if (high & 1u << 23)
		segment->limit = segment->limit << 12 | 0xfff;
	segment->type = high >> 8 & 0x1f;
	segment->present = high & 1u << 15;
	segment->big = high & 1u << 22;
	segment->long_mode = high & 1u << 21;
	return true;
}

static void check_segment(const char *name, uint32_t selector, bool code, bool long_mode)
{
	struct segment s = { .base = 0 };
	bool ok = segment_read(selector, &s) && s.present && s.base == 0 && s.limit == 0xffffffff &&
		  s.long_mode == long_mode && (s.big || long_mode) &&
		  (code ? (s.type & 0x1a) == 0x1a : (s.type & 0x1e) == 0x12);

	check(ok, name, code ? "flat read/execute code" : "flat read/write data",
	      "selector %x, base %x, limit %x, type %x%s", selector, s.base, s.limit, s.type,
	      long_mode ? ", 64-bit" : "");
}

static void check_tss(void)
{
	struct segment s = { .base = 0 };
	bool ok = segment_read(entry_state.tr, &s) && s.present && (s.type & 0x1d) == 0x09 &&
		  s.base == 0 && s.limit == 0x67;

	check(ok, "entry.tr", "32-bit TSS, base 0, limit 0x67",
	      "selector %x, base %x, limit %x, type %x", entry_state.tr, s.base, s.limit, s.type);
}

static void check_flags(uint32_t must_be_clear)
{
	check((entry_state.eflags & must_be_clear) == 0, "entry.eflags", "interrupts off", "%x",
	      entry_state.eflags);
}

static void check_pvh(void)
{
	check_equal("entry.cr0", CR0_PE, entry_state.cr0 & ~CR0_ET);
	check_equal("entry.cr4", 0, entry_state.cr4);
	check_segment("entry.cs", entry_state.cs, true, false);
	check_segment("entry.ds", entry_state.ds, false, false);
	check_segment("entry.es", entry_state.es, false, false);
	check_segment("entry.ss", entry_state.ss, false, false);
	check_tss();
	check_flags(EFLAGS_VM | EFLAGS_IF | EFLAGS_TF);
}

static void check_linux_selectors(bool long_mode)
{
	check_equal("entry.cs.selector", BOOT_CS, entry_state.cs);
	check_equal("entry.ds.selector", BOOT_DS, entry_state.ds);
	check_equal("entry.es.selector", BOOT_DS, entry_state.es);
	check_equal("entry.ss.selector", BOOT_DS, entry_state.ss);
	check_segment("entry.cs", entry_state.cs, true, long_mode);
	check_segment("entry.ds", entry_state.ds, false, false);
	check_flags(EFLAGS_VM | EFLAGS_IF | EFLAGS_TF);
}

static void check_linux32(void)
{
	check_equal("entry.cr0", CR0_PE, entry_state.cr0 & (CR0_PE | CR0_PG));
	check_linux_selectors(false);
	check_equal("entry.ebp", 0, entry_state.ebp);
	check_equal("entry.edi", 0, entry_state.edi);
	check_equal("entry.ebx", 0, entry_state.ebx);
}

/* Walks the four-level tables as the processor does. False: not mapped, or elsewhere. */
static bool identity_mapped(uint64_t address, uint64_t *step)
{
	uint64_t table = entry_state.cr3 & 0xfffff000;

	for (int shift = 39; shift >= 12; shift -= 9) {
		uint64_t entry =
			get64(at((uint32_t)table + ((uint32_t)(address >> shift) & 511) * 8));

		if ((entry & 3) != 3)
			return false;
		table = entry & 0x000ffffffffff000;
		*step = 1ull << shift;
		if (shift == 12 || (entry & 0x80)) {
			table &= ~(*step - 1);
			return shift < 39 && table == (address & ~(*step - 1));
		}
		if (table >= GIB4)
			return false;
	}
	return false;
}

static void check_identity(const char *name, uint64_t base, uint64_t end)
{
	uint64_t address = base, step = 4 * KIB;

	while (address < end && identity_mapped(address, &step))
		address = (address & ~(step - 1)) + step;
	check(address >= end, name, "identity mapping", "%llx-%llx, good up to %llx", base, end,
	      address >= end ? end : address);
}

static void occupy_page_tables(uint32_t table, int shift)
{
	occupies(HANDED_OVER, "page table", table, 4 * KIB);
	for (uint32_t i = 0; shift > 12 && i < 512; i++) {
		uint64_t entry = get64(at(table + i * 8));

		if ((entry & 1) && !(entry & 0x80) && shift > 21)
			occupy_page_tables((uint32_t)entry & 0xfffff000, shift - 9);
	}
}

static void check_linux64(void)
{
	check_equal("entry.cr0", CR0_PE | CR0_PG, entry_state.cr0 & (CR0_PE | CR0_PG));
	check_equal("entry.cr4", CR4_PAE, entry_state.cr4 & (CR4_PAE | CR4_LA57));
	check_equal("entry.efer", EFER_LME_LMA, entry_state.efer & EFER_LME_LMA);
	check_equal("entry.rsi.high", 0, entry_state.high);
	check_linux_selectors(true);
	check_identity("entry.map.kernel", paddr_of(image_start), paddr_of(image_end));
	check_identity("entry.map.init_size", kernel_runtime_base(), kernel_runtime_end());
	check_identity("entry.map.boot_params", entry_state.esi,
		       (uint64_t)entry_state.esi + 4 * KIB);
	check_identity("entry.map.cmdline", paddr_of(handoff.cmdline),
		       paddr_of(handoff.cmdline) + strlen(handoff.cmdline) + 1);
	occupy_page_tables(entry_state.cr3 & 0xfffff000, 39);
}

static void check_mb(void)
{
	check_equal("entry.cr0", CR0_PE, entry_state.cr0 & (CR0_PE | CR0_PG));
	check_segment("entry.cs", entry_state.cs, true, false);
	check_segment("entry.ds", entry_state.ds, false, false);
	check_segment("entry.es", entry_state.es, false, false);
	check_segment("entry.fs", entry_state.fs, false, false);
	check_segment("entry.gs", entry_state.gs, false, false);
	check_segment("entry.ss", entry_state.ss, false, false);
	check_flags(EFLAGS_VM | EFLAGS_IF);
}

void check_registers(void)
{
	switch (handoff.protocol) {
	case PVH:
		check_pvh();
		break;
	case LINUX32:
		check_linux32();
		break;
	case LINUX64:
		check_linux64();
		break;
	case MULTIBOOT:
		check_mb();
		break;
	}
}

/* handoff.c - what each protocol passes, brought into one form. */
#include "guest.h"

/* Xen public/arch-x86/hvm/start_info.h */
#define START_INFO_MAGIC 0x336ec578
struct hvm_start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
	uint32_t memmap_entries, reserved;
};

struct hvm_modlist_entry {
	uint64_t paddr, size, cmdline_paddr, reserved;
};

struct hvm_memmap_table_entry {
	uint64_t addr, size;
	uint32_t type, reserved;
};

/* Linux Documentation/arch/x86/zero-page.rst */
/* clang-format off */
#define BP_ACPI_RSDP_ADDR       0x070
#define BP_EXT_RAMDISK_IMAGE    0x0c0
#define BP_EXT_RAMDISK_SIZE     0x0c4
#define BP_EXT_CMD_LINE_PTR     0x0c8
#define BP_E820_ENTRIES         0x1e8
#define BP_RAMDISK_IMAGE        0x218
#define BP_RAMDISK_SIZE         0x21c
#define BP_CMD_LINE_PTR         0x228
#define BP_SETUP_DATA           0x250
#define BP_E820_TABLE           0x2d0
#define SETUP_E820_EXT          1

/* Multiboot specification 0.6.96, "Boot information format" */
#define MULTIBOOT_MAGIC         0x2badb002
#define MBI_FLAGS               0
  #define MBI_CMDLINE             (1u << 2)
  #define MBI_MODULES             (1u << 3)
  #define MBI_MMAP                (1u << 6)
#define MBI_CMDLINE_ADDR        16
#define MBI_MODS_COUNT          20
#define MBI_MODS_ADDR           24
#define MBI_MMAP_LENGTH         44
#define MBI_MMAP_ADDR           48
#define MBI_SIZE                88
/* clang-format on */

struct handoff handoff;

static void add_map_entry(uint64_t base, uint64_t size, uint32_t type)
{
	if (handoff.map_count == sizeof(handoff.map) / sizeof(handoff.map[0])) {
		check(false, "handoff.map", "fewer entries", "%u", handoff.map_count);
		finish();
	}
	handoff.map[handoff.map_count++] = (struct map_entry){ base, base + size, type };
}

static void add_module(uint64_t base, uint64_t size, const char *cmdline)
{
	if (handoff.module_count == sizeof(handoff.modules) / sizeof(handoff.modules[0])) {
		check(false, "handoff.modules", "fewer", "%u", handoff.module_count);
		finish();
	}
	handoff.modules[handoff.module_count++] = (struct module){ base, size, cmdline };
	occupies(HANDED_OVER, "module", base, size);
}

static void set_cmdline(uint64_t paddr)
{
	if (!paddr)
		return;
	handoff.cmdline = at((uint32_t)paddr);
	occupies(HANDED_OVER, "cmdline", paddr, strlen(handoff.cmdline) + 1);
}

static void read_pvh(void)
{
	const struct hvm_start_info *info = at(entry_state.ebx);
	const struct hvm_memmap_table_entry *map;
	const struct hvm_modlist_entry *modules;
	uint32_t reserved = 0;
	uint64_t pointers;

	if (!check_equal("pvh.magic", START_INFO_MAGIC, info->magic))
		finish();
	occupies(HANDED_OVER, "start_info", entry_state.ebx, sizeof(*info));
	check_equal("pvh.version", 1, info->version);
	check_equal("pvh.flags", 0, info->flags);
	check_equal("pvh.reserved", 0, info->reserved);
	pointers = info->memmap_paddr | info->modlist_paddr | info->cmdline_paddr |
		   info->rsdp_paddr;
	check(pointers < GIB4, "pvh.pointers", "all below 4 GiB",
	      "map %llx, modules %llx, cmdline %llx, RSDP %llx", info->memmap_paddr,
	      info->modlist_paddr, info->cmdline_paddr, info->rsdp_paddr);

	map = at((uint32_t)info->memmap_paddr);
	occupies(HANDED_OVER, "memmap", info->memmap_paddr, info->memmap_entries * sizeof(*map));
	for (uint32_t i = 0; i < info->memmap_entries; i++) {
		add_map_entry(map[i].addr, map[i].size, map[i].type);
		reserved |= map[i].reserved;
	}
	modules = at((uint32_t)info->modlist_paddr);
	if (info->nr_modules)
		occupies(HANDED_OVER, "modlist", info->modlist_paddr,
			 info->nr_modules * sizeof(*modules));
	for (uint32_t i = 0; i < info->nr_modules; i++) {
		const char *cmdline = at((uint32_t)modules[i].cmdline_paddr);

		add_module(modules[i].paddr, modules[i].size,
			   modules[i].cmdline_paddr ? cmdline : NULL);
		reserved |= (uint32_t)modules[i].reserved;
	}
	check_equal("pvh.entries.reserved", 0, reserved);
	set_cmdline(info->cmdline_paddr);
	handoff.rsdp = info->rsdp_paddr;
}

static void read_e820(const uint8_t *table, uint32_t count)
{
	for (; count; count--, table += 20)
		add_map_entry(get64(table), get64(table + 8), get32(table + 16));
}

static uint64_t get_split64(const uint8_t *bp, uint32_t low, uint32_t high)
{
	return get32(bp + low) | (uint64_t)get32(bp + high) << 32;
}

static void read_linux(void)
{
	uint8_t *bp = at(entry_state.esi);
	uint64_t node = get64(bp + BP_SETUP_DATA);

	handoff.boot_params = bp;
	occupies(HANDED_OVER, "boot_params", entry_state.esi, 4 * KIB);
	read_e820(bp + BP_E820_TABLE, bp[BP_E820_ENTRIES]);
	for (int i = 0; node && i < 16; i++) { /* setup_data.c reports a chain that is worse */
		const uint8_t *p = at((uint32_t)node);

		if (get32(p + 8) == SETUP_E820_EXT)
			read_e820(p + 16, get32(p + 12) / 20);
		node = get64(p);
	}
	set_cmdline(get_split64(bp, BP_CMD_LINE_PTR, BP_EXT_CMD_LINE_PTR));
	if (get32(bp + BP_RAMDISK_SIZE) | get32(bp + BP_EXT_RAMDISK_SIZE))
		add_module(get_split64(bp, BP_RAMDISK_IMAGE, BP_EXT_RAMDISK_IMAGE),
			   get_split64(bp, BP_RAMDISK_SIZE, BP_EXT_RAMDISK_SIZE), NULL);
	handoff.rsdp = get64(bp + BP_ACPI_RSDP_ADDR);
}

static void read_multiboot(void)
{
	const uint8_t *mbi = at(entry_state.ebx);
	uint32_t flags = get32(mbi + MBI_FLAGS);

	if (!check_equal("multiboot.magic", MULTIBOOT_MAGIC, entry_state.eax))
		finish();
	handoff.mbi = mbi;
	occupies(HANDED_OVER, "mbi", entry_state.ebx, MBI_SIZE);
	if (flags & MBI_MMAP) {
		uint32_t length = get32(mbi + MBI_MMAP_LENGTH);
		uint32_t paddr = get32(mbi + MBI_MMAP_ADDR);
		uint32_t step;

		occupies(HANDED_OVER, "mmap", paddr, length);
		for (const uint8_t *p = at(paddr); length >= 24; p += step, length -= step) {
			step = get32(p) + 4;
			add_map_entry(get64(p + 4), get64(p + 12), get32(p + 20));
			if (step < 24 || step > length)
				break;
		}
	}
	if (flags & MBI_MODULES) {
		const uint8_t *p = at(get32(mbi + MBI_MODS_ADDR));

		for (uint32_t i = 0; i < get32(mbi + MBI_MODS_COUNT); i++, p += 16)
			add_module(get32(p), get32(p + 4) - get32(p), at(get32(p + 8)));
	}
	if (flags & MBI_CMDLINE)
		set_cmdline(get32(mbi + MBI_CMDLINE_ADDR));
}

void read_handoff(void)
{
	handoff.protocol = entry_state.protocol;
	switch (handoff.protocol) {
	case PVH:
		read_pvh();
		break;
	case LINUX32:
	case LINUX64:
		read_linux();
		break;
	case MULTIBOOT:
		read_multiboot();
		break;
	}
}

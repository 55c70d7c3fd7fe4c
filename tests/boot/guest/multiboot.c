/* multiboot.c - what the firmware adds to QEMU's multiboot information. */
#include "guest.h"

/* clang-format off */
#define MBI_FLAGS               0
  #define MBI_MEM                 (1u << 0)
  #define MBI_CMDLINE             (1u << 2)
  #define MBI_MODULES             (1u << 3)
  #define MBI_MMAP                (1u << 6)
#define MBI_MEM_LOWER           4
#define MBI_MEM_UPPER           8
/* clang-format on */

void check_multiboot(void)
{
	const uint8_t *mbi = handoff.mbi;
	uint64_t lower = 0, upper = MIB;
	uint32_t kernel;

	if (!mbi)
		return;
	check_equal("multiboot.flags", MBI_MEM | MBI_CMDLINE | MBI_MODULES | MBI_MMAP,
		    get32(mbi + MBI_FLAGS) & (MBI_MEM | MBI_CMDLINE | MBI_MODULES | MBI_MMAP));
	for (uint32_t i = 0; i < handoff.map_count; i++) {
		const struct map_entry *e = &handoff.map[i];

		if (e->type == MAP_RAM && e->base == lower && e->end <= MIB)
			lower = e->end;
		if (e->type == MAP_RAM && e->base == upper && e->end <= GIB4)
			upper = e->end;
	}
	check_equal("multiboot.mem_lower", lower / KIB, get32(mbi + MBI_MEM_LOWER));
	check_equal("multiboot.mem_upper", (upper - MIB) / KIB, get32(mbi + MBI_MEM_UPPER));

	kernel = fw_cfg_u32(FW_CFG_KERNEL_ADDR);
	for (uint32_t i = 0; i < handoff.module_count; i++) {
		const struct module *m = &handoff.modules[i];
		uint32_t base = (uint32_t)m->base, size = (uint32_t)m->size;

		check_equal("module.page-offset", 0, base & 0xfff);
		check(size != 0, "module", "contents", "%x bytes at %x, \"%s\"", size, base,
		      m->cmdline);
		check_equal("module.equal-up-to", size,
			    fw_cfg_compare(FW_CFG_KERNEL_DATA, base - kernel, base, size));
	}
	if (check(handoff.cmdline != NULL, "multiboot.cmdline", "a string", "%s",
		  handoff.cmdline)) {
		uint32_t paddr = paddr_of(handoff.cmdline), size = strlen(handoff.cmdline) + 1;

		check_equal("multiboot.cmdline.equal-up-to", size,
			    fw_cfg_compare(FW_CFG_KERNEL_DATA, paddr - kernel, paddr, size));
	}
}

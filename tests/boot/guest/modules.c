/* modules.c - the initrd against what QEMU offers: bytes, size, place. */
#include "guest.h"

/* clang-format off */
#define BP_HEADER_VERSION       0x206
#define BP_INITRD_ADDR_MAX      0x22c
#define BP_XLOADFLAGS           0x236
  #define XLF_ABOVE_4G            (1u << 1)
#define INITRD_MAX_BEFORE_203   0x37ffffffu
/* clang-format on */

static uint64_t limit(void)
{
	const uint8_t *bp = handoff.boot_params;

	if (!bp)
		return GIB4;
	if (get16(bp + BP_HEADER_VERSION) >= 0x20c && (get16(bp + BP_XLOADFLAGS) & XLF_ABOVE_4G))
		return ~0ull;
	if (get16(bp + BP_HEADER_VERSION) >= 0x203)
		return (uint64_t)get32(bp + BP_INITRD_ADDR_MAX) + 1;
	return (uint64_t)INITRD_MAX_BEFORE_203 + 1;
}

void check_modules(void)
{
	uint32_t size;
	const struct module *initrd = &handoff.modules[0];

	if (handoff.protocol == MULTIBOOT) /* there INITRD_DATA is the information structure */
		return;
	size = fw_cfg_u32(FW_CFG_INITRD_SIZE);
	check_equal("initrd.count", size ? 1 : 0, handoff.module_count);
	if (!size || handoff.module_count != 1)
		return;
	check_equal("initrd.size", size, initrd->size);
	check_equal("initrd.page-offset", 0, initrd->base & 0xfff);
	check(initrd->base + size <= limit(), "initrd.limit", "an end within the limit",
	      "%llx-%llx, limit %llx", initrd->base, initrd->base + size, limit());
	check_equal("initrd.equal-up-to", size,
		    fw_cfg_compare(FW_CFG_INITRD_DATA, 0, initrd->base, size));
	if (initrd->cmdline)
		check(strlen(initrd->cmdline) < 4 * KIB, "initrd.cmdline", "a string", "%s",
		      initrd->cmdline);
}

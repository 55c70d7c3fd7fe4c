/* setup_data.c - Linux' list of extra data: walkable, and -dtb's tree unharmed in it. */
#include "guest.h"

#define HDR_VERSION    0x206
#define HDR_SYSSIZE    0x1f4
#define HDR_SETUP_DATA 0x250
#define SETUP_DTB      2
#define SETUP_TYPES    16

struct setup_data {
	uint64_t next;
	uint32_t type, length;
};

/* QEMU appends header and tree to the kernel, 16-byte aligned. 0: no -dtb. */
static uint32_t dtb_offset(struct setup_data *node)
{
	uint32_t offset = get32(handoff.boot_params + HDR_SYSSIZE) * 16;

	if (fw_cfg_u32(FW_CFG_KERNEL_SIZE) < offset + sizeof(*node))
		return 0;
	fw_cfg_select(FW_CFG_KERNEL_DATA);
	for (uint32_t i = 0; i < offset; i += 16)
		fw_cfg_read(node, sizeof(*node));
	fw_cfg_read(node, sizeof(*node));
	return node->type == SETUP_DTB ? offset + sizeof(*node) : 0;
}

void check_setup_data(void)
{
	struct setup_data ours;
	uint32_t offset, nodes = 0, trees = 0, unknown = 0;
	uint64_t paddr;

	if (!handoff.boot_params || get16(handoff.boot_params + HDR_VERSION) < 0x209)
		return;
	offset = dtb_offset(&ours);
	for (paddr = get64(handoff.boot_params + HDR_SETUP_DATA);
	     paddr && paddr < GIB4 && nodes < 16; nodes++) {
		const uint8_t *p = at((uint32_t)paddr);
		uint32_t type = get32(p + 8), length = get32(p + 12);

		if (type == 0 || type > SETUP_TYPES) {
			unknown++;
			break;
		}
		occupies(HANDED_OVER, "setup_data", paddr,
			 sizeof(struct setup_data) + (uint64_t)length);
		if (type == SETUP_DTB) {
			trees++;
			check_equal("setup_data.dtb.length", ours.length, length);
			check_equal("setup_data.dtb.equal-up-to", length,
				    fw_cfg_compare(FW_CFG_KERNEL_DATA, offset, paddr + sizeof(ours),
						   length));
		}
		paddr = get64(p);
	}
	check(!paddr && !unknown, "setup_data.chain", "known types and an end",
	      "%u nodes, last at %llx", nodes, paddr);
	check_equal("setup_data.dtb.count", offset ? 1 : 0, trees);
}

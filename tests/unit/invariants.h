/*
 * invariants.h - what must be true of every boot that reaches a kernel; included by machine.h.
 *
 * check_boot() looks at what the kernel was told, at all of RAM, and at every register of the
 * modelled machine that the firmware is responsible for.
 */
#ifndef INVARIANTS_H
#define INVARIANTS_H

#include "paging.h"

#define PTE_PRESENT 0x01
#define PTE_LARGE   0x80

/* What the kernel is told of memory, in one form for all protocols. */
static struct {
	uint32_t count;
	struct e820_entry ranges[MAX_RANGES];
} told;

static void tell(uint64_t base, uint64_t size, uint32_t type)
{
	assert_true(told.count < MAX_RANGES);
	told.ranges[told.count++] = (struct e820_entry){ base, size, type };
}

/* True when [base, base + size) lies in ranges of one of two types. */
static bool is_told(uint64_t base, uint64_t size, uint32_t type, uint32_t other)
{
	uint64_t at = base;

	for (uint32_t i = 0; i < told.count && at < base + size; i++) {
		const struct e820_entry *range = &told.ranges[i];

		if (at >= range->base && at < range->base + range->size &&
		    (range->type == type || range->type == other))
			at = range->base + range->size;
	}
	return at >= base + size;
}

/* Sorted, disjoint, whole pages; the firmware's own memory is no RAM. */
static void check_map(const char *name)
{
	assert_case(name, told.count >= 4);
	for (uint32_t i = 0; i < told.count; i++) {
		const struct e820_entry *range = &told.ranges[i];

		assert_case(name, range->size);
		if (i)
			assert_case(name, range[-1].base + range[-1].size <= range->base);
		assert_case_equal(name, range->base & PAGE_MASK, 0);
		assert_case_equal(name, range->size & PAGE_MASK, 0);
		if (range->type == MEMORY_RAM)
			assert_case(name, range->base >= LEGACY_HOLE_END ||
						  range->base + range->size <= LOW_RAM_END);
	}
}

static void check_acpi(const char *name, uint32_t rsdp_paddr)
{
	const struct acpi_rsdp *rsdp = phys_ptr(rsdp_paddr);
	const struct acpi_header *root;
	bool wide = rsdp->revision >= 2;
	uint64_t root_paddr = wide ? rsdp->xsdt_address : rsdp->rsdt_address;

	assert_case_equal(name, checksum_sum(rsdp, offsetof(struct acpi_rsdp, length)), 0);
	root = phys_ptr((uint32_t)root_paddr);
	assert_case(name, is_told(root_paddr, root->length, MEMORY_RESERVED, MEMORY_RESERVED));
	assert_case_equal(name, checksum_sum(root, root->length), 0);
	for (uint32_t at = sizeof(*root); at < root->length; at += wide ? 8 : 4) {
		const struct acpi_header *table;
		uint64_t paddr = 0;

		memcpy(&paddr, (const uint8_t *)root + at, wide ? 8 : 4);
		assert_case(name, paddr < machine_ram);
		table = phys_ptr((uint32_t)paddr);
		assert_case(name, is_told(paddr, table->length, MEMORY_RESERVED, MEMORY_RESERVED));
		assert_case_equal(name, checksum_sum(table, table->length), 0);
	}
}

/* Memory that must survive until the kernel has copied it, with the bytes as given. */
static void check_bytes(const char *name, uint64_t paddr, const void *bytes, uint32_t size)
{
	assert_case(name, is_told(paddr, size, MEMORY_RAM, MEMORY_RESERVED));
	assert_case(name, memcmp(phys_ptr((uint32_t)paddr), bytes, size) == 0);
}

/* The file's header and what the firmware tells; all else is zero (boot.rst, "zero page"). */
static void check_boot_params(const char *name, const struct linux_boot_params *params)
{
	static struct linux_boot_params wanted;
	struct linux_setup_header *header = &wanted.header;
	const struct fake_item *file = fake_fw_cfg_get(FW_CFG_KEY_SETUP_DATA);

	memset(&wanted, 0, sizeof(wanted));
	memcpy(header, file->bytes + LINUX_HEADER_OFFSET, sizeof(*header));
	header->type_of_loader = LINUX_LOADER_QEMU;
	header->code32_start = fake.handoff.entry - LINUX_ENTRY64_OFFSET;
	header->ramdisk_image = params->header.ramdisk_image;
	header->ramdisk_size = INITRD_SIZE;
	header->cmd_line_ptr = params->header.cmd_line_ptr;
	wanted.acpi_rsdp_addr = params->acpi_rsdp_addr;
	wanted.e820_entries = params->e820_entries;
	memcpy(wanted.e820_table, params->e820_table,
	       params->e820_entries * sizeof(params->e820_table[0]));
	for (uint32_t i = 0; i < sizeof(wanted); i++)
		if (((const uint8_t *)params)[i] != ((const uint8_t *)&wanted)[i])
			fail_msg("case \"%s\": boot_params has 0x%x at 0x%x, not 0x%x", name,
				 ((const uint8_t *)params)[i], i, ((const uint8_t *)&wanted)[i]);
}

/* A table of pages that maps all RAM to itself, and nothing to anywhere else. */
static void check_page_table(const char *name, uint64_t paddr, uint64_t base, uint32_t shift)
{
	const uint64_t *entries = fake_phys(paddr, PAGE_SIZE);

	assert_case(name, entries);
	for (uint32_t i = 0; i < PAGE_TABLE_ENTRIES; i++) {
		uint64_t at = base + ((uint64_t)i << shift), entry = entries[i];

		if (!(entry & PTE_PRESENT))
			assert_case(name, !entry && at >= machine_ram);
		else if (entry & PTE_LARGE)
			assert_case_equal(name, entry & ~PAGE_MASK, at);
		else
			check_page_table(name, entry & ~PAGE_MASK, at, shift - 9);
	}
}

static uint32_t check_linux(const char *name)
{
	const struct linux_boot_params *params = phys_ptr(fake.handoff.esi);

	assert_case(name, fake.handoff.long_mode);
	check_boot_params(name, params);
	check_page_table(name, fake.handoff.cr3, 0, 39);
	for (uint32_t i = 0; i < params->e820_entries; i++)
		tell(params->e820_table[i].base, params->e820_table[i].size,
		     params->e820_table[i].type);
	check_bytes(name, fake.handoff.entry - 0x200, kernel_bytes, KERNEL_SIZE);
	check_bytes(name, params->header.ramdisk_image, kernel_bytes, INITRD_SIZE);
	assert_case_equal(name, params->header.ramdisk_size, INITRD_SIZE);
	check_bytes(name, params->header.cmd_line_ptr, cmdline, (uint32_t)strlen(cmdline) + 1);
	return (uint32_t)params->acpi_rsdp_addr;
}

static uint32_t check_pvh(const char *name)
{
	const struct pvh_start_info *info = phys_ptr(fake.handoff.ebx);
	const struct pvh_memmap_entry *map_entry = phys_ptr((uint32_t)info->memmap_paddr);
	const struct pvh_module *module = phys_ptr((uint32_t)info->modules_paddr);

	for (uint32_t i = 0; i < info->memmap_entries; i++)
		tell(map_entry[i].base, map_entry[i].size, map_entry[i].type);
	/* All that Linux's first page tables have, whatever its width. */
	assert_case(name, fake.handoff.ebx < LEGACY_HOLE_END);
	assert_case_equal(name, info->module_count, 1);
	check_bytes(name, elf_base, kernel_bytes, KERNEL_SIZE);
	check_bytes(name, module->paddr, kernel_bytes, INITRD_SIZE);
	check_bytes(name, info->cmdline_paddr, cmdline, (uint32_t)strlen(cmdline) + 1);
	return (uint32_t)info->rsdp_paddr;
}

static uint32_t check_multiboot(const char *name)
{
	const struct multiboot_info *info = phys_ptr(fake.handoff.ebx);

	assert_case_equal(name, fake.handoff.eax, MULTIBOOT_MAGIC);
	for (uint32_t at = 0; at < info->mmap_length;) {
		const struct multiboot_mmap_entry *entry = phys_ptr(info->mmap_addr + at);

		tell(entry->base, entry->length, entry->type);
		at += entry->size + sizeof(entry->size);
	}
	check_bytes(name, elf_base, kernel_bytes, KERNEL_SIZE);
	return 0;
}

/* ---- PCI ---- */

struct bar_range {
	uint64_t base, size;
};

/* A window of a bridge, from 16 bits of base and 16 of limit; upper: of both, 32 bits each. */
static struct bar_range read_window(const struct fake_pci *bridge, uint32_t offset, bool wide)
{
	uint64_t base = (fake_pci_get(bridge, offset, 2) & 0xfff0) << 16;
	uint64_t limit = (fake_pci_get(bridge, offset + 2, 2) & 0xfff0) << 16 | 0xfffff;

	if (wide) {
		base |= fake_pci_get(bridge, PCI_PREFETCH_UPPER, 4) << 32;
		limit |= fake_pci_get(bridge, PCI_PREFETCH_UPPER + 4, 4) << 32;
	}
	return (struct bar_range){ base, base < limit ? limit + 1 - base : 0 };
}

static bool is_inside(struct bar_range inner, struct bar_range outer)
{
	return inner.base >= outer.base && inner.base + inner.size <= outer.base + outer.size;
}

/*
 * An address aligned to the size, where nothing else is, and in a window of each bridge: one that
 * is wide (64 bits, prefetchable) may be in either.
 */
static void check_bar(const char *name, const struct fake_pci *pci, struct bar_range bar, bool wide)
{
	static const struct bar_range usable[] = { { 16 * MIB, 0xfec00000 - 16 * MIB },
						   { 4 * GIB, (1ull << 40) - 4 * GIB } };

	assert_case(name, bar.base && bar.base % bar.size == 0);
	for (uint32_t i = 0; i < told.count; i++)
		assert_case(name, bar.base + bar.size <= told.ranges[i].base ||
					  bar.base >= told.ranges[i].base + told.ranges[i].size);
	assert_case(name, is_inside(bar, usable[bar.base >= 4 * GIB]));
	for (const struct fake_pci *at = pci->parent; at; at = at->parent)
		assert_case(name, is_inside(bar, read_window(at, PCI_MEMORY_BASE, false)) ||
					  (wide && is_inside(bar, read_window(at, PCI_PREFETCH_BASE,
									      true))));
}

static void check_bars(const char *name)
{
	struct bar_range seen[64];
	uint32_t count = 0;

	for (uint32_t i = 0; i < fake.pci.function_count; i++) {
		const struct fake_pci *pci = fake.pci.functions[i];

		if (fake_pci_get(pci, PCI_VENDOR_ID, 2) != 0x1af4)
			continue;
		seen[count++] = (struct bar_range){ fake_pci_get(pci, PCI_BAR(1), 4), 0x1000 };
		check_bar(name, pci, seen[count - 1], false);
		seen[count++] =
			(struct bar_range){ fake_pci_get(pci, PCI_BAR(4), 8) & ~15ull, 0x4000 };
		check_bar(name, pci, seen[count - 1], true);
	}
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t n = 0; n < i; n++)
			assert_case(name, seen[i].base + seen[i].size <= seen[n].base ||
						  seen[n].base + seen[n].size <= seen[i].base);
}

/* ---- Processors and SMM ---- */

/* A processor's MSRs: the last that was written, 0 as a reset has it. */
static uint64_t written_msr(const struct msr_list *list, uint32_t msr)
{
	for (uint32_t i = list->count; i--;)
		if (list->values[i].msr == msr)
			return (uint64_t)list->values[i].high << 32 | list->values[i].low;
	return 0;
}

/* The others have what the boot processor has. */
static void check_msrs(const char *name, const struct processor *processor)
{
	for (uint32_t i = 0; i < fake.msr_count; i++) {
		uint32_t msr = fake.msrs[i].index;

		if ((msr >= 0x200 && msr < 0x300) || msr == IA32_FEATURE_CONTROL)
			assert_case_equal(name, written_msr(&processor->msrs, msr),
					  fake.msrs[i].value);
	}
}

/* One SMBASE each; the code there is an RSM, and nobody else can reach it. */
static void check_smbase(const char *name, const struct processor *processor, bool can_lock)
{
	static const uint8_t rsm[] = { 0x0f, 0xaa };
	uint32_t entry = processor->smbase + SMBASE_ENTRY, state = processor->smbase + SMBASE_STATE;
	bool is_rsm;

	if (!processor->relocations)
		fail_msg("case \"%s\": APIC id %u has the SMBASE of a reset", name,
			 processor->apic_id);
	for (const struct processor *other = processors; other < processor; other++)
		if (other->relocations)
			assert_case(name, other->smbase != processor->smbase);
	smram_enter();
	is_rsm = !memcmp(fake_phys(entry, sizeof(rsm)), rsm, sizeof(rsm));
	smram_leave();
	assert_case(name, is_rsm);
	assert_case(name, smram_is_closed(entry, sizeof(rsm), can_lock) ||
				  (!can_lock &&
				   is_told(entry, sizeof(rsm), MEMORY_RESERVED, MEMORY_RESERVED)));
	assert_case(name, smram_is_closed(state, SMBASE_STATE_SIZE, can_lock) ||
				  (!can_lock && is_told(state, SMBASE_STATE_SIZE, MEMORY_RESERVED,
							MEMORY_RESERVED)));
	assert_case(name, !is_told(entry, 1, MEMORY_RAM, MEMORY_RAM));
}

static void check_processors(const char *name)
{
	const struct fake_pci *host = fake_pci_at(PCI_BDF(0, 0, 0));
	const struct acpi_fadt *fadt = find_fadt();
	uint32_t device = host ? (uint32_t)fake_pci_get(host, PCI_DEVICE_ID, 2) : 0;

	if (fadt && !fadt->smi_cmd)
		device = 0; /* SMM is off */

	assert_case_equal(name, fake_msr_get(IA32_MTRR_DEF_TYPE), 0xc06);
	assert_case_equal(name, fake.caches_off, 0);
	for (uint32_t i = 0; i < processor_count; i++) {
		const struct processor *processor = &processors[i];

		if (processor->pace == NEVER)
			continue;
		if (i)
			check_msrs(name, processor);
		if (device == 0x29c0 || device == 0x1237)
			check_smbase(name, processor, device == 0x29c0);
		else
			assert_case_equal(name, processor->smis, 0);
	}
	if (device == 0x29c0)
		assert_case(name, host->config[MCH_SMRAM_OFFSET] & SMRAM_D_LOCKED);
	if (device == 0x29c0 && has_f_smbase) {
		assert_case_equal(name, host->config[MCH_F_SMBASE_OFFSET], 2);
		assert_case(name, smram_is_closed(SMBASE_DEFAULT, 0x10000, true));
	}
}

/* ---- Other tables ---- */

/* The number of the processor that has this id. */
static uint32_t find_processor(uint32_t apic_id)
{
	uint32_t i = 0;

	while (i < processor_count && processors[i].apic_id != apic_id)
		i++;
	return i;
}

static void check_mp(const char *name)
{
	const struct mp_floating_pointer *pointer = phys_ptr(MP_POINTER);
	const struct mp_table_header *header;
	const struct mp_processor *entry;
	uint32_t listed = 0, can_be_listed = 0, first = 0;

	assert_memory_equal(pointer->signature, "_MP_", 4);
	assert_case_equal(name, checksum_sum(pointer, sizeof(*pointer)), 0);
	header = phys_ptr(pointer->table_address);
	assert_case(name, is_told(pointer->table_address, header->length, MEMORY_RESERVED,
				  MEMORY_RESERVED));
	assert_case_equal(name, checksum_sum(header, header->length), 0);
	for (entry = (const void *)(header + 1); entry->type == MP_ENTRY_PROCESSOR; entry++) {
		uint32_t i = find_processor(entry->apic_id);

		assert_case(name, i < processor_count);
		assert_case_equal(name, entry->flags & MP_PROCESSOR_BSP ? 1 : 0, i == 0);
		for (const struct mp_processor *other = entry;
		     other-- != (const void *)(header + 1);)
			assert_case(name, other->apic_id != entry->apic_id);
		listed += entry->flags & MP_PROCESSOR_ENABLED;
		first += entry->flags & MP_PROCESSOR_BSP ? 1 : 0;
	}
	/* One that does not come is listed only where QEMU tells its id. */
	for (uint32_t i = 0; i < processor_count; i++)
		can_be_listed += processors[i].apic_id <= LAPIC_MAX_XAPIC_ID &&
				 (processors[i].pace != NEVER || find_fadt());
	assert_case_equal(name, listed, can_be_listed);
	assert_case_equal(name, first, 1);
}

static void check_smbios(const char *name)
{
	const struct smbios30_entry_point *entry =
		phys_ptr(ROM_ALIAS_BASE + ROM_SIZE - ANCHOR_FROM_END);
	uint32_t at, end, bios = 0;

	if (memcmp(entry->anchor, "_SM3_", 5) != 0) {
		assert_case(name, !fake_fw_cfg_find("etc/smbios/smbios-tables"));
		return;
	}
	at = (uint32_t)entry->table_address;
	end = at + entry->table_max_size;
	assert_case_equal(name, checksum_sum(entry, sizeof(*entry)), 0);
	assert_case(name, is_told(at, entry->table_max_size, MEMORY_RESERVED, MEMORY_RESERVED));
	while (at < end && *(const uint8_t *)phys_ptr(at) != SMBIOS_TYPE_END) {
		uint32_t size = end_of(phys_ptr(at), end - at, 0);

		assert_case(name, size);
		bios += *(const uint8_t *)phys_ptr(at) == SMBIOS_TYPE_BIOS;
		at += size;
	}
	assert_case(name, at < end);
	assert_case_equal(name, bios, 1);
}

#define VMGENID_OFFSET 40 /* of the id in its file, which the address is that of */

/* QEMU has been told where the generation id is. */
static void check_vmgenid(const char *name)
{
	const struct fake_item *guid = fake_fw_cfg_find("etc/vmgenid_guid");
	const struct fake_item *address = fake_fw_cfg_find("etc/vmgenid_addr");
	uint64_t paddr = 0;

	if (!guid || !address)
		return;
	memcpy(&paddr, address->bytes, sizeof(paddr));
	paddr -= VMGENID_OFFSET;
	assert_case(name, is_told(paddr, guid->size, MEMORY_RESERVED, MEMORY_RESERVED));
	assert_case(name, !memcmp(phys_ptr((uint32_t)paddr), guid->bytes, guid->size));
}

/* ---- Memory ---- */

/* RAM above 1 MiB that is nobody's is as it was: nothing was written outside. */
static void check_untouched(const char *name)
{
	for (uint32_t i = 0; i < map.count; i++) {
		const struct memory_range *range = &map.ranges[i];
		const uint8_t *bytes;
		uint64_t size = range->end - range->base;

		if (range->type != MEMORY_RAM || range->base < LEGACY_HOLE_END)
			continue;
		bytes = fake_phys(range->base, size);
		assert_case(name, bytes);
		assert_case_equal(name, bytes[0], fake_fill);
		assert_case(name, !memcmp(bytes, bytes + 1, size - 1));
	}
}

/* What is true of a wake, too. */
static void check_platform(const char *name, uint32_t rsdp)
{
	if (rsdp)
		check_acpi(name, rsdp);
	check_processors(name);
	check_mp(name);
	check_smbios(name);
	check_vmgenid(name);
	assert_string_equal(fake.console, "");
}

/* All of it but what is left in RAM: that only a machine with fresh RAM can be asked for. */
static void check_boot(const char *name, enum kernel kernel)
{
	static uint32_t (*const check[])(const char *) = { check_linux, check_pvh,
							   check_multiboot };
	uint32_t rsdp;

	memset(&told, 0, sizeof(told));
	rsdp = check[kernel](name);
	check_map(name);
	if (kernel != MULTIBOOT && fake_fw_cfg_find("etc/acpi/rsdp"))
		assert_case(name, rsdp);
	check_bars(name);
	check_platform(name, rsdp);
}

#endif

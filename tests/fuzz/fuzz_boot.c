/*
 * fuzz_boot.c - whole boots, from main() on, of unit/machine.h's machine, changed by an input.
 *
 * Four bytes choose the recorded machine, the kernel's format, the fw_cfg transfer that fails, and
 * the access that resets the machine, after which it boots again in what was left (0: none).  Then
 * changes follow, each a byte that says which, and its arguments.  Whatever the change, a boot
 * ends: with a kernel that is told a sound map, or with a message; and it touches nothing that is
 * not there.
 */
#include "../unit/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum change {
	PATCH,
	RESIZE,
	RESIZE_LATER,
	NUMBER,
	FUNCTION,
	CONFIG,
	HEADER,
	FILE_COUNT,
	CPUS,
	TPM,
	CHANGES
};

static const uint8_t *input;
static size_t left;
static bool addresses_changed; /* of devices, so that there may be none */
static bool cpus_late;
static bool cpus_hidden;  /* what says how many processors there are may say too few */
static uint32_t tpm_lies; /* what its registers are made of; 0: it answers as it should */

static struct {
	uint16_t selector;
	uint32_t after, size;
} later[8];
static uint32_t later_count;

static uint32_t take(uint32_t bytes)
{
	uint32_t value = 0;

	while (bytes--) {
		value = value << 8 | (left ? *input : 0);
		if (left) {
			input++;
			left--;
		}
	}
	return value;
}

static _Noreturn void die(const char *message)
{
	fprintf(stderr, "%s\n", message);
	abort();
}

/* What the host's lies lead to ends the boot there; all else is a fault. */
static void failed(const char *message)
{
	bool lie = addresses_changed &&
		   (strstr(message, "no device at") || strstr(message, "MMIO of"));

	/* For a processor that nobody tells of nobody waits. */
	lie |= cpus_hidden && strstr(message, "which has not arrived");
	if (!lie)
		die(message);
	fake.armed = true;
	fake_leave(FAKE_STOPPED);
}

/* The item to change. */
static struct fake_item *take_item(void)
{
	struct fake_item *item = &fake.fw_cfg.items[take(1) % fake.fw_cfg.item_count];

	if (item->selector == FW_CFG_KEY_CPU_COUNT ||
	    (item->name && (strstr(item->name, "acpi") || strstr(item->name, "loader"))))
		cpus_hidden = true;
	return item;
}

static void resize(struct fake_item *item, uint32_t size)
{
	uint8_t *bytes = calloc(1, size ? size : 1);

	memcpy(bytes, item->bytes, size < item->size ? size : item->size);
	free(item->bytes);
	item->bytes = bytes;
	item->size = size;
}

/* A size that differs from one selection to the next, as QEMU's own tables do. */
static void resize_now(struct fake_item *item)
{
	for (uint32_t i = 0; i < later_count; i++)
		if (later[i].selector == item->selector && !later[i].after--)
			resize(item, later[i].size);
}

static void patch(struct fake_item *item)
{
	uint32_t at = take(2), count = take(1) % 16;

	while (count-- && at < item->size)
		item->bytes[at++] = (uint8_t)take(1);
	if (item->name && (strstr(item->name, "fdt") || strstr(item->name, "acpi")))
		addresses_changed = true;
}

static uint64_t read_any_tpm(uint32_t address, uint32_t size)
{
	return tpm_lies ? unit_random(&tpm_lies) : read_tpm(address, size);
}

static void add_function(void)
{
	struct fake_pci *parent = NULL, *pci;
	uint32_t slot = take(1), kind = take(1);

	if (fake.pci.function_count && slot & 0x80)
		parent = fake.pci.functions[take(1) % fake.pci.function_count];
	if (parent && (fake_pci_get(parent, PCI_HEADER_TYPE, 1) & 0x7f) != 1)
		parent = NULL;
	if (fake.pci.function_count >= 40)
		return;
	if (kind & 1) {
		pci = fake_pci_add_bridge(parent, slot & 31, kind >> 5, 0x1b36, 0x000c);
		if (kind & 2)
			fake_pci_express(pci, kind & 4 ? PCI_EXPRESS_ROOT_PORT : 5);
		pci->loops = kind == 0xff;
		return;
	}
	pci = fake_pci_add(parent, slot & 31, kind >> 5, 0x1af4, (uint16_t)(0x1000 + (kind >> 1)));
	fake_pci_bar(pci, 0, 1ull << (4 + take(1) % 38), take(1) & 0xd);
	fake_pci_bar(pci, 4, 1ull << (4 + take(1) % 38), take(1) & 0xd);
	fake_pci_set(pci, PCI_INTERRUPT_PIN, 1, take(1) % 6);
}

/* Identity, BARs, capability lists: what a function says of itself. */
static void patch_config(void)
{
	uint32_t which = take(1), at = take(1), count = take(1) % 64;
	uint8_t *config;

	if (!fake.pci.function_count)
		return;
	config = fake.pci.functions[which % fake.pci.function_count]->config;
	for (uint32_t i = 0; i < count && left; i++)
		config[(at + i) & 0xff] = (uint8_t)take(1);
}

static void change(enum change which)
{
	struct fake_item *item;

	switch (which) {
	case PATCH:
		patch(take_item());
		break;
	case RESIZE:
		item = take_item();
		resize(item, take(3) % 0x80000);
		break;
	case RESIZE_LATER:
		item = take_item();
		if (later_count < COUNT(later)) {
			later[later_count].selector = item->selector;
			later[later_count].after = take(1) % 4;
			later[later_count++].size = take(3) % 0x80000;
			item->on_select = resize_now;
		}
		break;
	case NUMBER: /* sizes and addresses of what is to be booted */
		item = fake_fw_cfg_get((uint16_t)(take(1) % 0x1a));
		if (item && item->size == 4)
			memcpy(item->bytes, &(uint32_t){ take(4) }, 4);
		break;
	case FUNCTION:
		add_function();
		break;
	case CONFIG:
		patch_config();
		break;
	case HEADER:
		item = fake_fw_cfg_get(FW_CFG_KEY_SETUP_DATA);
		if (item && item->size > LINUX_HEADER_OFFSET + 128u)
			item->bytes[LINUX_HEADER_OFFSET + take(1) % 128] = (uint8_t)take(1);
		break;
	case FILE_COUNT:
		fake.fw_cfg.claimed_files = take(4);
		break;
	case CPUS:
		cpus_late = true;
		break;
	case TPM:
		tpm_lies = take(4);
		break;
	case CHANGES:
		break;
	}
}

/*
 * RAM that the machine does not have, APIC ids above the highest, and SMRAM that a reset leaves
 * closed are the host's lies, against which nothing helps.
 */
static void keep_truths(void)
{
	struct fake_item *item = fake_fw_cfg_find("etc/e820");
	struct fake_pci *host_bridge = fake.pci.function_count ? fake.pci.functions[0] : NULL;

	if (host_bridge && host_bridge->on_write == write_mch)
		add_mch_registers(host_bridge);
	if (host_bridge && host_bridge->on_write == write_i440fx)
		add_i440fx_registers(host_bridge);
	fake_fw_cfg_u16(FW_CFG_KEY_APIC_ID_LIMIT, (uint16_t)processor_count);
	/* Without e820 it is CMOS that says, where there is nothing. */
	if (item && item->size < sizeof(struct e820_entry))
		resize(item, sizeof(struct e820_entry));
	for (uint32_t at = 0; item && at + sizeof(struct e820_entry) <= item->size;
	     at += sizeof(struct e820_entry)) {
		struct e820_entry entry;

		memcpy(&entry, item->bytes + at, sizeof(entry));
		if (entry.type == MEMORY_RAM &&
		    (entry.base >= RAM_END || entry.size > RAM_END - entry.base))
			entry.type = MEMORY_RESERVED;
		memcpy(item->bytes + at, &entry, sizeof(entry));
	}
}

static void require(bool condition, const char *what)
{
	if (!condition)
		die(what);
}

/* Sorted, disjoint, and what the firmware keeps is no RAM. */
static void check_told(void)
{
	for (uint32_t i = 0; i < told.count; i++) {
		const struct e820_entry *range = &told.ranges[i];

		require(range->size, "an empty range");
		require(!i || range[-1].base + range[-1].size <= range->base, "ranges overlap");
		require(range->type != MEMORY_RAM || range->base >= LEGACY_HOLE_END ||
				range->base + range->size <= LOW_RAM_END,
			"the firmware's memory is called RAM");
	}
}

static void check_end(enum fake_end end, enum kernel kernel)
{
	require(end != FAKE_RETURNED, "main() returned");
	require(end != FAKE_PANIC || fake.panic[0], "a panic without words");
	require(end != FAKE_HANDOFF || !fake.caches_off, "handed over with caches off");
	if (end != FAKE_HANDOFF || fake.handoff.real_mode)
		return;
	told.count = 0;
	if (kernel == BZIMAGE) {
		const struct linux_boot_params *params = phys_ptr(fake.handoff.esi);

		for (uint32_t i = 0; i < params->e820_entries && i < 128; i++)
			tell(params->e820_table[i].base, params->e820_table[i].size,
			     params->e820_table[i].type);
	} else if (kernel == PVH) {
		const struct pvh_start_info *info = phys_ptr(fake.handoff.ebx);
		const struct pvh_memmap_entry *entry = phys_ptr((uint32_t)info->memmap_paddr);

		for (uint32_t i = 0; i < info->memmap_entries && i < MAX_RANGES; i++)
			tell(entry[i].base, entry[i].size, entry[i].type);
	}
	check_told();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fake_device tpm = { TPM_BASE, TPM_BASE + 0x4fff, true, read_any_tpm,
						NULL };
	static uint32_t records;
	const char *record;
	enum kernel kernel;
	enum fake_end end;
	uint32_t reset, fails;
	bool untouched;

	while (unit_records[records])
		records++;
	if (size < 4 || size > 600)
		return 0;
	input = data;
	left = size;
	later_count = 0;
	addresses_changed = cpus_late = cpus_hidden = false;
	fake_fail_hook = failed;
	record = *data == 0xff ? "isapc" : unit_records[*data % records];
	take(1);
	kernel = (enum kernel)(take(1) % KERNELS);
	fails = take(1);
	reset = take(1);
	untouched = !left && !fails && !reset;
	tpm_lies = 0;
	add_machine(record, kernel);
	fake_add_device(&tpm);
	while (left)
		change((enum change)(take(1) % CHANGES));
	keep_truths();
	for (uint32_t i = 1; cpus_late && i < processor_count; i++)
		processors[i].pace = NEVER;
	fake.fw_cfg.fail_after = fails ? fails - 1 : ~0u;
	fake.reset_after = reset;
	end = (enum fake_end)fake_run(run_firmware());
	check_end(end, kernel);
	if (untouched) {
		check_boot(record, kernel);
		check_untouched(record);
	}
	if (!reset)
		return 0;
	reset_machine(record, kernel);
	fake_add_device(&tpm);
	end = (enum fake_end)fake_run(run_firmware());
	check_end(end, kernel);
	return 0;
}

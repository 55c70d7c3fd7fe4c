/*
 * unit.c - see unit.h.
 */
#include <unistd.h>

#include "unit.h"

static void fail_test(const char *message)
{
	fail_msg("%s", message);
}

int unit_setup(void **state)
{
	(void)state;
	fake_fail_hook = fail_test;
	fake_reset();
	return 0;
}

int unit_teardown(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

const char *const unit_records[] = { "pc",
				     "pc-vmgenid",
				     "pc-255",
				     "pc-smbios0",
				     "pc-tpm",
				     "q35",
				     "q35-288",
				     "q35-devices",
				     "q35-nvdimm",
				     "q35-numa",
				     "q35-cxl",
				     "q35-tpm",
				     "microvm",
				     "microvm-pcie",
				     "microvm-288",
				     "pc-qemu10",
				     "q35-qemu10",
				     "q35-288-qemu10",
				     "q35-devices-qemu10",
				     "q35-nvdimm-qemu10",
				     "q35-numa-qemu10",
				     "q35-cxl-qemu10",
				     "q35-tpm-qemu10",
				     "microvm-qemu10",
				     "microvm-pcie-qemu10",
				     "microvm-288-qemu10",
				     NULL };

static bool data_exists(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", UNIT_DATA, name);
	return access(path, R_OK) == 0;
}

/* A recording, read once: a fuzzer loads the same few hundreds of times a second. */
struct recording {
	const char *record; /* one of unit_records, or of another caller's constants */
	struct recorded_file {
		char name[64];
		uint8_t *bytes;
		uint32_t size;
	} files[16];
	uint32_t count;
};

static void read_recording(struct recording *recording, const char *record)
{
	struct recorded_file *file = recording->files;
	char path[128];
	FILE *files;

	snprintf(path, sizeof(path), "%s/%s/files", UNIT_DATA, record);
	files = fopen(path, "r");
	if (!files)
		fail_msg("cannot open %s; run make from the top", path);
	recording->record = record;
	while (recording->count < COUNT(recording->files) &&
	       fscanf(files, "%63s %u", file->name, &file->size) == 2) {
		snprintf(path, sizeof(path), "%s/%s", record, file->name);
		for (char *c = path + strlen(record) + 1; *c; c++)
			if (*c == '/')
				*c = '_';
		file->bytes = calloc(1, file->size + 1);
		if (data_exists(path)) { /* no file: all zeros */
			uint32_t stored;
			uint8_t *bytes = unit_read(path, &stored);

			memcpy(file->bytes, bytes, stored < file->size ? stored : file->size);
			free(bytes);
		}
		recording->count++;
		file++;
	}
	if (!feof(files) || !recording->count)
		fail_msg("%s/%s/files names no file, or too many", UNIT_DATA, record);
	fclose(files);
}

static const struct recording *find_recording(const char *record)
{
	static struct recording recordings[40];
	uint32_t i;

	for (i = 0; i < COUNT(recordings) && recordings[i].record; i++)
		if (strcmp(recordings[i].record, record) == 0)
			return &recordings[i];
	if (i == COUNT(recordings))
		fail_msg("more than %zu recordings", COUNT(recordings));
	read_recording(&recordings[i], record);
	return &recordings[i];
}

void unit_load(const char *record)
{
	const struct recording *recording = find_recording(record);

	for (uint32_t i = 0; i < recording->count; i++) {
		const struct recorded_file *file = &recording->files[i];

		if (strcmp(file->name, "cpu-count") == 0)
			fake_fw_cfg_item(FW_CFG_KEY_CPU_COUNT, file->bytes, 2);
		else if (!fake_fw_cfg_find(file->name))
			fake_fw_cfg_file(file->name, file->bytes, file->size)->writable =
				strstr(file->name, "_addr") || strstr(file->name, "_errors");
	}
}

const struct memory_range unit_ranges[UNIT_RANGES] = { MEMMAP_LEGACY_RANGES, MEMMAP_FLASH_RANGE };

void unit_machine(struct fw_cfg *cfg, struct memmap *map, uint32_t ram_end)
{
	struct e820_entry ram = { 0, ram_end, MEMORY_RAM };

	fake_ram_add(0, ram_end);
	fake_fw_cfg_file("etc/e820", &ram, sizeof(ram));
	fw_cfg_init(cfg);
	memmap_init(map, cfg, unit_ranges, UNIT_RANGES);
}

const struct linux_setup_header unit_setup_header = {
	.setup_sects = 1,
	.boot_flag = 0xaa55,
	.jump_opcode = 0xeb,
	.jump_length = 0x6a,
	.header = LINUX_HEADER_MAGIC,
	.version = 0x020f,
	.loadflags = 1,
	.code32_start = 0x100000,
	.initrd_addr_max = 0x7fffffff,
	.kernel_alignment = 0x200000,
	.relocatable_kernel = 1,
	.xloadflags = 1,
	.cmdline_size = 2047,
	.pref_address = 0x1000000,
	.init_size = 0x400000,
};

bool unit_is_kept(const struct memmap *map, uint64_t base, uint64_t end)
{
	return memmap_is(map, base, end, MEMORY_RESERVED) || memmap_is(map, base, end, MEMORY_KEPT);
}

uint8_t *unit_copy(const void *bytes, uint32_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		fail_msg("no memory for %u bytes", size);
	memcpy(copy, bytes, size);
	/* malloc(0) may be one byte long; an empty input must not be read at all. */
	return copy;
}

uint8_t *unit_read(const char *name, uint32_t *size)
{
	char path[256];
	uint8_t *bytes;
	FILE *file;
	long length;

	snprintf(path, sizeof(path), "%s/%s", UNIT_DATA, name);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("cannot open %s; run make from the top", path);
	fseek(file, 0, SEEK_END);
	length = ftell(file);
	rewind(file);
	bytes = malloc(length ? (size_t)length : 1);
	if (fread(bytes, 1, (size_t)length, file) != (size_t)length)
		fail_msg("cannot read %s", path);
	fclose(file);
	*size = (uint32_t)length;
	return bytes;
}

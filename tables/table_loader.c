/*
 * table_loader.c - see table_loader.h.
 *
 * Offsets and lengths are compared as "offset <= size && length <= size - offset", which no value
 * can wrap.
 */
#include "table_loader.h"

#include "checksum.h"
#include "string.h"

static bool fits(uint32_t offset, uint32_t length, uint32_t size)
{
	return offset <= size && length <= size - offset;
}

static bool valid_pointer_size(uint8_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static bool terminated(const char *name)
{
	return name[FW_CFG_NAME_SIZE - 1] == '\0';
}

struct loader_file *table_loader_find(struct loader *loader, const char *name)
{
	for (uint32_t i = 0; i < loader->file_count; i++)
		if (strcmp(loader->files[i].name, name) == 0)
			return &loader->files[i];
	return NULL;
}

static void cover(struct loader_file *file, uint32_t end)
{
	if (file && file->covered < end)
		file->covered = end;
}

static enum error parse_allocate(struct loader *loader, const struct loader_command *command)
{
	uint32_t align = command->allocate.align;
	uint8_t zone = command->allocate.zone;

	if (!terminated(command->allocate.file))
		return ERR_NAME;
	if (table_loader_find(loader, command->allocate.file))
		return ERR_DUPLICATE;
	if (align & (align - 1))
		return ERR_ALIGNMENT;
	if (zone != LOADER_ZONE_HIGH && zone != LOADER_ZONE_FSEG)
		return ERR_ZONE;
	if (loader->file_count == LOADER_MAX_FILES)
		return ERR_TOO_MANY;
	loader->files[loader->file_count++] = (struct loader_file){
		.name = command->allocate.file,
		.align = align ? align : 1,
		.zone = zone == LOADER_ZONE_FSEG ? ZONE_FSEG : ZONE_LOW,
	};
	return OK;
}

static enum error parse_pointer(struct loader *loader, const struct loader_command *command)
{
	uint32_t offset = command->pointer.offset;
	uint8_t size = command->pointer.size;

	if (!terminated(command->pointer.dest_file) || !terminated(command->pointer.src_file))
		return ERR_NAME;
	if (!valid_pointer_size(size))
		return ERR_SIZE;
	if (offset > UINT32_MAX - size)
		return ERR_RANGE;
	cover(table_loader_find(loader, command->pointer.dest_file), offset + size);
	return OK;
}

static enum error parse_checksum(struct loader *loader, const struct loader_command *command)
{
	uint32_t start = command->checksum.start;
	uint32_t length = command->checksum.length;
	struct loader_file *file;

	if (!terminated(command->checksum.file))
		return ERR_NAME;
	if (length > UINT32_MAX - start || command->checksum.offset == UINT32_MAX)
		return ERR_RANGE;
	file = table_loader_find(loader, command->checksum.file);
	cover(file, start + length);
	cover(file, command->checksum.offset + 1);
	if (file)
		file->checksummed = true;
	return OK;
}

static enum error parse_write_pointer(const struct loader_command *command)
{
	if (!terminated(command->write_pointer.dest_file) ||
	    !terminated(command->write_pointer.src_file))
		return ERR_NAME;
	if (!valid_pointer_size(command->write_pointer.size))
		return ERR_SIZE;
	if (command->write_pointer.dest_offset > UINT32_MAX - command->write_pointer.size)
		return ERR_RANGE;
	return OK;
}

static enum error parse_command(struct loader *loader, const struct loader_command *command)
{
	switch (command->command) {
	case LOADER_ALLOCATE:
		return parse_allocate(loader, command);
	case LOADER_ADD_POINTER:
		return parse_pointer(loader, command);
	case LOADER_ADD_CHECKSUM:
		return parse_checksum(loader, command);
	case LOADER_WRITE_POINTER:
		return parse_write_pointer(command);
	default:
		return OK;
	}
}

/* All commands have their first file name at the same place. */
static void note_failure(struct loader *loader, uint32_t index)
{
	const struct loader_command *command = &loader->commands[index];

	loader->failed_command = index;
	loader->failed_file = terminated(command->allocate.file) ? command->allocate.file : "";
}

enum error table_loader_parse(struct loader *loader, const void *script, uint32_t size)
{
	loader->commands = script;
	loader->command_count = size / sizeof(struct loader_command);
	loader->file_count = 0;
	for (uint32_t i = 0; i < loader->command_count; i++) {
		enum error error = parse_command(loader, &loader->commands[i]);

		if (error != OK) {
			note_failure(loader, i);
			return error;
		}
	}
	return OK;
}

static enum error run_pointer(struct loader *loader, const struct loader_command *command)
{
	struct loader_file *dest = table_loader_find(loader, command->pointer.dest_file);
	struct loader_file *src = table_loader_find(loader, command->pointer.src_file);
	uint8_t size = command->pointer.size;
	uint64_t value = 0;
	uint64_t limit = size == 8 ? UINT64_MAX : (1ull << (8 * size)) - 1;

	if (!dest || !src)
		return ERR_NOT_ALLOCATED;
	if (!dest->bytes || !src->bytes)
		return OK;
	if (!fits(command->pointer.offset, size, dest->size))
		return ERR_RANGE;
	memcpy(&value, dest->bytes + command->pointer.offset, size);
	if (value >= src->size)
		return ERR_RANGE;
	value += src->paddr;
	if (value > limit)
		return ERR_OVERFLOW;
	memcpy(dest->bytes + command->pointer.offset, &value, size);
	return OK;
}

static enum error run_checksum(struct loader *loader, const struct loader_command *command)
{
	struct loader_file *file = table_loader_find(loader, command->checksum.file);
	uint32_t offset = command->checksum.offset;
	uint32_t start = command->checksum.start;

	if (!file)
		return ERR_NOT_ALLOCATED;
	if (!file->bytes)
		return OK;
	if (!fits(start, command->checksum.length, file->size) || offset >= file->size)
		return ERR_RANGE;
	file->bytes[offset] -= checksum_sum(file->bytes + start, command->checksum.length);
	return OK;
}

enum error table_loader_run(struct loader *loader, uint32_t *unknown)
{
	*unknown = 0;
	for (uint32_t i = 0; i < loader->command_count; i++) {
		const struct loader_command *command = &loader->commands[i];
		enum error error = OK;

		switch (command->command) {
		case 0:
		case LOADER_ALLOCATE:
		case LOADER_WRITE_POINTER:
			break;
		case LOADER_ADD_POINTER:
			error = run_pointer(loader, command);
			break;
		case LOADER_ADD_CHECKSUM:
			error = run_checksum(loader, command);
			break;
		default:
			++*unknown;
			break;
		}
		if (error != OK) {
			note_failure(loader, i);
			return error;
		}
	}
	return OK;
}

bool table_loader_next_write(struct loader *loader, uint32_t *next, struct loader_write *write)
{
	while (*next < loader->command_count) {
		const struct loader_command *command = &loader->commands[(*next)++];
		const struct loader_file *src;

		if (command->command != LOADER_WRITE_POINTER)
			continue;
		src = table_loader_find(loader, command->write_pointer.src_file);
		if (!src || !src->bytes)
			continue;
		*write = (struct loader_write){
			.file = command->write_pointer.dest_file,
			.offset = command->write_pointer.dest_offset,
			.size = command->write_pointer.size,
			.value = (uint64_t)src->paddr + command->write_pointer.src_offset,
		};
		return true;
	}
	return false;
}

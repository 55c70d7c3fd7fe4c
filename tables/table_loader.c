/*
 * table_loader.c - see table_loader.h.
 *
 * Offsets and lengths are compared as "offset <= size && length <= size - offset", which no value
 * can wrap.
 */
#include "table_loader.h"

#include "checksum.h"
#include "string.h"
#include "within.h"

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
	if (file->covered < end)
		file->covered = end;
}

static enum error parse_allocate(struct loader *loader, const struct loader_command *command)
{
	uint32_t align = command->allocate.align;
	uint8_t zone = command->allocate.zone;

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

static enum error parse_checksum(struct loader *loader, const struct loader_command *command)
{
	uint32_t start = command->checksum.start;
	uint32_t length = command->checksum.length;
	struct loader_file *file;

	if (length > UINT32_MAX - start || command->checksum.offset == UINT32_MAX)
		return ERR_RANGE;
	file = table_loader_find(loader, command->checksum.file);
	if (!file)
		return ERR_NOT_ALLOCATED;
	cover(file, start + length);
	cover(file, command->checksum.offset + 1);
	file->checksummed = true;
	return OK;
}

static enum error parse_command(struct loader *loader, const struct loader_command *command)
{
	if (command->command != LOADER_ALLOCATE && command->command != LOADER_ADD_CHECKSUM)
		return OK;
	if (!terminated(command->allocate.file))
		return ERR_NAME;
	if (command->command == LOADER_ALLOCATE)
		return parse_allocate(loader, command);
	return parse_checksum(loader, command);
}

static enum error failure(struct loader *loader, uint32_t index, enum error error)
{
	const struct loader_command *command = &loader->commands[index];

	loader->failed_command = index;
	loader->failed_file = terminated(command->allocate.file) ? command->allocate.file : "";
	loader->failed_offset = 0;
	if (command->command == LOADER_ADD_POINTER)
		loader->failed_offset = command->pointer.offset;
	if (command->command == LOADER_ADD_CHECKSUM)
		loader->failed_offset = command->checksum.offset;
	if (command->command == LOADER_WRITE_POINTER)
		loader->failed_offset = command->write_pointer.dest_offset;
	return error;
}

enum error table_loader_parse(struct loader *loader, const void *script, uint32_t size)
{
	loader->commands = script;
	loader->command_count = size / sizeof(struct loader_command);
	loader->file_count = 0;
	if (size % sizeof(struct loader_command)) {
		loader->failed_command = loader->command_count;
		loader->failed_file = "";
		loader->failed_offset = 0;
		return ERR_TRUNCATED;
	}
	for (uint32_t i = 0; i < loader->command_count; i++) {
		enum error error = parse_command(loader, &loader->commands[i]);

		if (error != OK)
			return failure(loader, i, error);
	}
	return OK;
}

/* Whether the value fits into size bytes, and into the 32 bits that all our addresses have. */
static bool holds(uint8_t size, uint64_t value)
{
	return value >> (8 * (size < 4 ? size : 4)) == 0;
}

/* Checks what both commands with a pointer have: two names and a size. */
static enum error check_pointer(const struct loader_command *command, uint8_t size)
{
	if (!terminated(command->pointer.dest_file) || !terminated(command->pointer.src_file))
		return ERR_NAME;
	return valid_pointer_size(size) ? OK : ERR_SIZE;
}

static enum error run_pointer(struct loader *loader, const struct loader_command *command)
{
	uint32_t offset = command->pointer.offset;
	uint8_t size = command->pointer.size;
	enum error error = check_pointer(command, size);
	const struct loader_file *src;
	struct loader_file *dest;
	uint64_t value = 0;

	if (error != OK)
		return error;
	dest = table_loader_find(loader, command->pointer.dest_file);
	src = table_loader_find(loader, command->pointer.src_file);
	if (!dest || !src)
		return ERR_NOT_ALLOCATED;
	if (!dest->bytes || !src->bytes)
		return OK;
	if (!is_within(offset, size, dest->size))
		return ERR_RANGE;
	memcpy(&value, dest->bytes + offset, size);
	if (value >= src->size)
		return ERR_RANGE;
	value += src->paddr;
	if (!holds(size, value))
		return ERR_OVERFLOW;
	memcpy(dest->bytes + offset, &value, size);
	dest->linked = true;
	return OK;
}

static enum error run_checksum(struct loader *loader, const struct loader_command *command)
{
	const struct loader_file *file = table_loader_find(loader, command->checksum.file);
	uint32_t offset = command->checksum.offset;
	uint32_t start = command->checksum.start;
	uint32_t length = command->checksum.length;

	if (!file->bytes)
		return OK;
	if (!is_within(start, length, file->size) || offset >= file->size)
		return ERR_RANGE;
	file->bytes[offset] -= checksum_sum(file->bytes + start, length);
	return OK;
}

static enum error run_write_pointer(struct loader *loader, const struct loader_command *command)
{
	uint32_t offset = command->write_pointer.src_offset;
	uint8_t size = command->write_pointer.size;
	enum error error = check_pointer(command, size);
	const struct loader_file *src;

	if (error != OK)
		return error;
	src = table_loader_find(loader, command->write_pointer.src_file);
	if (!src)
		return ERR_NOT_ALLOCATED;
	if (!src->bytes)
		return OK;
	if (offset >= src->size)
		return ERR_RANGE;
	if (!holds(size, (uint64_t)src->paddr + offset))
		return ERR_OVERFLOW;
	if (loader->write_count == LOADER_MAX_WRITES)
		return ERR_TOO_MANY;
	loader->writes[loader->write_count++] = (struct loader_write){
		.command = (uint32_t)(command - loader->commands),
		.file = command->write_pointer.dest_file,
		.offset = command->write_pointer.dest_offset,
		.size = size,
		.value = src->paddr + offset,
	};
	return OK;
}

enum error table_loader_run(struct loader *loader)
{
	loader->unknown_count = 0;
	loader->write_count = 0;
	for (uint32_t i = 0; i < loader->command_count; i++) {
		const struct loader_command *command = &loader->commands[i];
		enum error error = OK;

		switch (command->command) {
		case LOADER_PADDING:
		case LOADER_ALLOCATE:
			break;
		case LOADER_ADD_POINTER:
			error = run_pointer(loader, command);
			break;
		case LOADER_ADD_CHECKSUM:
			error = run_checksum(loader, command);
			break;
		case LOADER_WRITE_POINTER:
			error = run_write_pointer(loader, command);
			break;
		default:
			loader->unknown_count++;
			break;
		}
		if (error != OK)
			return failure(loader, i, error);
	}
	return OK;
}

/*
 * table_loader.c - see table_loader.h.
 *
 * Offsets and lengths are compared as "offset <= size && length <= size - offset", which no value
 * can wrap.  Each name is looked up once: it is the costliest part of a command.
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
	return size <= 8 && (1u << size & (1u << 1 | 1u << 2 | 1u << 4 | 1u << 8));
}

static bool terminated(const char *name)
{
	return name[FW_CFG_NAME_SIZE - 1] == '\0';
}

struct loader_file *table_loader_find(struct loader *loader, const char *name)
{
	uint32_t size = (uint32_t)strlen(name) + 1;

	for (uint32_t i = 0; i < loader->file_count; i++)
		if (loader->files[i].name_size == size &&
		    memcmp(loader->files[i].name, name, size) == 0)
			return &loader->files[i];
	return NULL;
}

/*
 * The file of a terminated name of the script.  In words, the last first: most names begin with
 * "etc/acpi/".  QEMU allocates the tables themselves last, and mostly means them.
 */
static inline __attribute__((always_inline)) struct loader_file *find(struct loader *loader,
								      const char *name)
{
	struct loader_file *file = loader->files + loader->file_count;

	while (file-- > loader->files) {
		const void *left = file->name;
		const void *right = name;
		uint32_t last = file->name_last;

		if (!((((const word *)left)[last] ^ ((const word *)right)[last]) &
		      file->name_mask) &&
		    words_equal(&left, &right, last))
			return file;
	}
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
	uint32_t length = (uint32_t)strlen(command->allocate.file);

	if (find(loader, command->allocate.file))
		return ERR_DUPLICATE;
	if (align & (align - 1))
		return ERR_ALIGNMENT;
	if (zone != LOADER_ZONE_HIGH && zone != LOADER_ZONE_FSEG)
		return ERR_ZONE;
	if (loader->file_count == LOADER_MAX_FILES)
		return ERR_TOO_MANY;
	loader->files[loader->file_count++] = (struct loader_file){
		.name = command->allocate.file,
		.name_size = length + 1,
		.name_last = length / sizeof(word),
		.name_mask = UINT32_MAX >> 8 * (3 - length % sizeof(word)),
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
	file = find(loader, command->checksum.file);
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
	switch (command->command) {
	case LOADER_ADD_POINTER:
		loader->failed_offset = command->pointer.offset;
		break;
	case LOADER_ADD_CHECKSUM:
		loader->failed_offset = command->checksum.offset;
		break;
	case LOADER_WRITE_POINTER:
		loader->failed_offset = command->write_pointer.dest_offset;
		break;
	default:
		loader->failed_offset = 0;
		break;
	}
	return error;
}

enum error table_loader_parse(struct loader *loader, const void *script, uint32_t size)
{
	const struct loader_command *end;

	loader->commands = script;
	loader->command_count = size / sizeof(struct loader_command);
	loader->file_count = 0;
	if (size % sizeof(struct loader_command)) {
		loader->failed_command = loader->command_count;
		loader->failed_file = "";
		loader->failed_offset = 0;
		return ERR_TRUNCATED;
	}
	end = loader->commands + loader->command_count;
	while (end > loader->commands && !end[-1].command)
		end--;
	loader->command_count = (uint32_t)(end - loader->commands);
	for (uint32_t i = 0; i < loader->command_count; i++) {
		enum error error = parse_command(loader, &loader->commands[i]);

		if (error != OK)
			return failure(loader, i, error);
	}
	return OK;
}

static bool holds(uint8_t size, uint32_t value)
{
	return size >= sizeof(value) || value >> (8 * size) == 0;
}

/* What both kinds of pointer have: two names and a size. */
static inline __attribute__((always_inline)) enum error check_pointer(
	const struct loader_command *command, uint8_t size)
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
	uint32_t value = 0;
	uint8_t *field;

	if (error != OK)
		return error;
	dest = find(loader, command->pointer.dest_file);
	src = find(loader, command->pointer.src_file);
	if (!dest || !src)
		return ERR_NOT_ALLOCATED;
	if (!dest->bytes || !src->bytes)
		return OK;
	if (!fits(offset, size, dest->size))
		return ERR_RANGE;
	field = dest->bytes + offset;
	if (size >= sizeof(value))
		value = *(const word *)field;
	else
		memcpy(&value, field, size);
	if (value >= src->size || (size == 8 && ((const word *)field)[1]))
		return ERR_RANGE;
	value += src->paddr;
	if (value < src->paddr || !holds(size, value))
		return ERR_OVERFLOW;
	if (size >= sizeof(value))
		*(word *)field = value;
	else
		memcpy(field, &value, size);
	dest->linked = true;
	return OK;
}

static enum error run_checksum(struct loader *loader, const struct loader_command *command)
{
	const struct loader_file *file = find(loader, command->checksum.file);
	uint32_t offset = command->checksum.offset;
	uint32_t start = command->checksum.start;
	uint32_t length = command->checksum.length;

	if (!file->bytes)
		return OK;
	if (!fits(start, length, file->size) || offset >= file->size)
		return ERR_RANGE;
	file->bytes[offset] -= checksum_sum(file->bytes + start, length);
	return OK;
}

/* Checks what table_loader_next_write() will hand out. */
static enum error run_write_pointer(struct loader *loader, const struct loader_command *command)
{
	uint32_t offset = command->write_pointer.src_offset;
	uint8_t size = command->write_pointer.size;
	enum error error = check_pointer(command, size);
	const struct loader_file *src;

	if (error != OK)
		return error;
	src = find(loader, command->write_pointer.src_file);
	if (!src)
		return ERR_NOT_ALLOCATED;
	if (!src->bytes)
		return OK;
	if (offset >= src->size)
		return ERR_RANGE;
	return holds(size, src->paddr + offset) ? OK : ERR_OVERFLOW;
}

enum error table_loader_run(struct loader *loader)
{
	loader->unknown_count = 0;
	loader->writes_end = 0;
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
			loader->writes_end = i + 1;
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

bool table_loader_next_write(struct loader *loader, uint32_t *next, struct loader_write *write)
{
	while (*next < loader->writes_end) {
		const struct loader_command *command = &loader->commands[(*next)++];
		const struct loader_file *src;

		if (command->command != LOADER_WRITE_POINTER)
			continue;
		src = find(loader, command->write_pointer.src_file);
		if (!src->bytes)
			continue;
		*write = (struct loader_write){
			.file = command->write_pointer.dest_file,
			.offset = command->write_pointer.dest_offset,
			.size = command->write_pointer.size,
			.value = src->paddr + command->write_pointer.src_offset,
		};
		return true;
	}
	return false;
}

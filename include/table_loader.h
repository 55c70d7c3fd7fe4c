/*
 * table_loader.h - execute QEMU's etc/table-loader script on buffers.  Pure.
 *
 * The script and the files it names come from outside: no field is believed.  A script is first
 * parsed, which says which files to fetch and where they may lie; the caller places and reads them;
 * then it is run, which patches pointers, completes checksums in place, and lists the pointers that
 * QEMU wants to be told.  Unknown commands are skipped, as the interface intends.
 *
 * QEMU hw/acpi/bios-linker-loader.c.
 */
#ifndef TABLE_LOADER_H
#define TABLE_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "memmap.h"
#include "spec/acpi.h"

#define LOADER_MAX_FILES  16 /* QEMU allocates at most seven */
#define LOADER_MAX_WRITES 8  /* QEMU has one, for the address of vmgenid's file */

/* A file that the script allocates. */
struct loader_file {
	const char *name; /* inside the script, terminated */
	uint32_t align;   /* a power of two */
	enum memory_zone zone;
	uint32_t covered; /* bytes that checksums of the script reach */
	bool checksummed; /* a checksum covers some of it: it holds tables */
	bool linked;      /* a pointer in it was made to lead to a file */

	/* The caller's part, after parsing. */
	uint8_t *bytes; /* NULL: not fetched; nothing in it is patched */
	uint32_t size;
	uint32_t paddr;
};

/* A pointer that QEMU wants written into one of its files. */
struct loader_write {
	uint32_t command; /* its number in the script */
	const char *file;
	uint32_t offset;
	uint32_t size; /* 1, 2, 4 or 8 */
	uint64_t value;
};

struct loader {
	const struct loader_command *commands;
	uint32_t command_count;
	uint32_t unknown_count; /* of these, commands that are not known */
	uint32_t file_count;
	struct loader_file files[LOADER_MAX_FILES];
	uint32_t write_count; /* after table_loader_run() */
	struct loader_write writes[LOADER_MAX_WRITES];

	/* When something failed: which command, and where in which file. */
	uint32_t failed_command;
	const char *failed_file; /* terminated; "" when it has no name */
	uint32_t failed_offset;
};

/*
 * Finds the files that the script allocates and how much of them its checksums cover: fills
 * loader->files, without the caller's part.  The script must stay where it is.  ERR_TRUNCATED: size
 * is not a whole number of commands; ERR_NAME, ERR_ALIGNMENT, ERR_ZONE: a field that QEMU never
 * has; ERR_DUPLICATE: a file is allocated twice; ERR_NOT_ALLOCATED: a checksum of a file that is
 * not; ERR_RANGE: one of bytes that no file has; ERR_TOO_MANY: more than LOADER_MAX_FILES files.
 */
enum error table_loader_parse(struct loader *loader, const void *script, uint32_t size);

/* The file of that name; NULL when the script allocates none. */
struct loader_file *table_loader_find(struct loader *loader, const char *name);

/*
 * Checks each command, patches pointers, completes checksums and fills loader->writes, in the order
 * of the script, and loader->unknown_count.  Commands that concern a file with bytes == NULL are
 * skipped.  On an error nothing after the failed command has been done.  ERR_RANGE: an offset leads
 * past what the caller has fetched of a file, who may fetch more and run the script again.
 * ERR_NAME, ERR_SIZE, ERR_NOT_ALLOCATED, ERR_OVERFLOW, ERR_TOO_MANY: the script is wrong.
 */
enum error table_loader_run(struct loader *loader);

#endif

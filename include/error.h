/*
 * error.h - the one list of error codes that pure code returns.  The caller, who knows names and
 * numbers, turns them into a message with error_text().
 */
#ifndef ERROR_H
#define ERROR_H

#define ERROR_LIST(X) \
	X(OK, "no error") \
	X(ERR_TRUNCATED, "ends before a structure in it does") \
	X(ERR_MAGIC, "has the wrong signature") \
	X(ERR_VERSION, "has a version that is not supported") \
	X(ERR_NEEDS_BIOS, "is a loader that needs BIOS services, of which this firmware has none") \
	X(ERR_16BIT_ONLY, "has a 16-bit entry only, as iPXE and other boot loaders do") \
	X(ERR_TOO_MANY, "has more entries than there is room for") \
	X(ERR_NO_MEMORY, "does not fit into free memory") \
	X(ERR_RANGE, "has an offset or length outside its file") \
	X(ERR_ALIGNMENT, "has an alignment that is no power of two") \
	X(ERR_ZONE, "names an unknown allocation zone") \
	X(ERR_SIZE, "has a pointer size other than 1, 2, 4 or 8") \
	X(ERR_NAME, "has a file name without a terminator") \
	X(ERR_DUPLICATE, "allocates a file twice") \
	X(ERR_NOT_ALLOCATED, "refers to a file that was not allocated") \
	X(ERR_OVERFLOW, "has a value that does not fit its field") \
	X(ERR_CHAIN, "has a linked list that loops or leaves its file") \
	X(ERR_NOT_PE, "begins as a DOS program and has no PE header") \
	X(ERR_ZBOOT, "is a compressed EFI kernel (zboot)") \
	X(ERR_MACHINE, "is for another processor") \
	X(ERR_NOT_FOUND, "does not have what was asked for") \
	X(ERR_NO_KERNEL, "has no kernel in it") \
	X(ERR_OVERLAP, "has parts that overlap")

enum error {
#define X(name, text) name,
	ERROR_LIST(X)
#undef X
		ERROR_COUNT
};

/* A phrase that completes "NAME ...".  Never NULL. */
const char *error_text(enum error error);

#endif

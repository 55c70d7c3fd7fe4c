/*
 * phys.c - modelled memory.
 *
 * Host pointers have up to 64 bits, so the firmware's own objects, which lie outside the modelled
 * RAM, are reached through windows: the first physical address asked for in a 1 MiB block of host
 * memory gives that block a 1 MiB window, and every later one in the block falls into it.
 */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

uint8_t fake_fill = 0xa5;

#define WINDOW_BASE 0xf0000000u
#define WINDOW_SIZE 0x100000u

/* Memory of machines that are gone: fresh pages cost more than a whole boot does. */
static struct fake_ram spare[FAKE_MAX_RAM];

void fake_ram_reset(void)
{
	for (uint32_t i = 0; i < fake.ram_count; i++) {
		/* What a test forbids (SMRAM) is plain memory again. */
		ASAN_UNPOISON_MEMORY_REGION(fake.ram[i].bytes, fake.ram[i].size);
		free(spare[i].bytes);
		spare[i] = fake.ram[i];
	}
}

static uint8_t *allocate(uint64_t size)
{
	uint8_t *bytes;

	for (uint32_t i = 0; i < FAKE_MAX_RAM; i++)
		if (spare[i].bytes && spare[i].size == size) {
			bytes = spare[i].bytes;
			spare[i].bytes = NULL;
			return bytes;
		}
	if (posix_memalign((void **)&bytes, 4096, size))
		fake_fail("fake: no memory for 0x%llx bytes of RAM", (unsigned long long)size);
	return bytes;
}

uint8_t *fake_ram_add(uint64_t base, uint64_t size)
{
	struct fake_ram *ram = &fake.ram[fake.ram_count];

	if (fake.ram_count == FAKE_MAX_RAM)
		fake_fail("fake: more than %u ranges of RAM", FAKE_MAX_RAM);
	ram->base = base;
	ram->size = size;
	ram->bytes = allocate(size);
	memset(ram->bytes, fake_fill, size);
	fake.ram_count++;
	return ram->bytes;
}

void fake_phys_pin(const void *object, uint32_t size, uint32_t paddr)
{
	fake.pinned = object;
	fake.pinned_size = size;
	fake.pinned_paddr = paddr;
}

void *fake_phys(uint64_t paddr, uint64_t size)
{
	for (uint32_t i = 0; i < fake.ram_count; i++) {
		struct fake_ram *ram = &fake.ram[i];

		if (paddr >= ram->base && paddr - ram->base <= ram->size &&
		    size <= ram->size - (paddr - ram->base))
			return ram->bytes + (paddr - ram->base);
	}
	if (fake.pinned && paddr >= fake.pinned_paddr &&
	    paddr + size <= (uint64_t)fake.pinned_paddr + fake.pinned_size)
		return (uint8_t *)fake.pinned + (paddr - fake.pinned_paddr);
	if (paddr >= WINDOW_BASE && paddr < WINDOW_BASE + fake.window_count * (uint64_t)WINDOW_SIZE)
		return (void *)(fake.windows[(paddr - WINDOW_BASE) / WINDOW_SIZE] +
				(uintptr_t)(paddr % WINDOW_SIZE));
	return NULL;
}

void *phys_ptr(uint32_t paddr)
{
	void *ptr = fake_phys(paddr, 0);

	if (!ptr)
		fake_fail("fake: physical address 0x%x is not RAM", paddr);
	return ptr;
}

uint32_t phys_addr(const void *ptr)
{
	uintptr_t address = (uintptr_t)ptr;
	uintptr_t block = address & ~(uintptr_t)(WINDOW_SIZE - 1);
	uint32_t i;

	for (i = 0; i < fake.ram_count; i++) {
		uintptr_t offset = address - (uintptr_t)fake.ram[i].bytes;

		if (offset < fake.ram[i].size && fake.ram[i].base + offset <= UINT32_MAX)
			return (uint32_t)(fake.ram[i].base + offset);
	}
	if (fake.pinned && address - (uintptr_t)fake.pinned < fake.pinned_size)
		return fake.pinned_paddr + (uint32_t)(address - (uintptr_t)fake.pinned);
	for (i = 0; i < fake.window_count && fake.windows[i] != block; i++)
		;
	if (i == fake.window_count) {
		if (i == FAKE_MAX_WINDOWS)
			fake_fail("fake: no window left for %p", ptr);
		fake.windows[fake.window_count++] = block;
	}
	return WINDOW_BASE + i * WINDOW_SIZE + (uint32_t)(address - block);
}

/*
 * high.c - memory above 4 GiB, through one 2 MiB window; all else stays where it is.
 *
 * Paging goes on at the first use and stays on: PAE, 2 MiB pages, identity but for the window.
 */
#include "guest.h"
#include "io.h"

#define WINDOW   0xfe000000u /* no RAM and none of the devices used here */
#define PAGE     (2 * MIB)
#define PRESENT  1u
#define WRITABLE 2u
#define LARGE    0x80u

static uint64_t directories[4 * 512] __attribute__((aligned(4096)));
static uint64_t pointers[4] __attribute__((aligned(32)));

static void load_cr3(void)
{
	__asm__ volatile("movl %0, %%cr3" : : "r"(pointers) : "memory");
}

static void enable_paging(void)
{
	uint32_t cr;

	for (uint32_t i = 0; i < 4 * 512; i++)
		directories[i] = (uint64_t)i * PAGE | LARGE | WRITABLE | PRESENT;
	for (uint32_t i = 0; i < 4; i++)
		pointers[i] = paddr_of(directories + i * 512) | PRESENT;
	load_cr3();
	__asm__ volatile("movl %%cr4, %0; orl $0x20, %0; movl %0, %%cr4\n"     /* PAE */
			 "movl %%cr0, %0; orl $0x80000000, %0; movl %0, %%cr0" /* PG */
			 : "=&r"(cr)
			 :
			 : "memory");
}

static uint32_t address_bits(void)
{
	uint32_t features = cpuid(1).edx;

	if (!(features & CPUID_PAE))
		return 32;
	if (cpuid(0x80000000).eax >= 0x80000008)
		return cpuid(0x80000008).eax & 0xff;
	return features & CPUID_PSE36 ? 36 : 32;
}

void *reach(uint64_t paddr, uint32_t *size)
{
	uint32_t offset = (uint32_t)paddr & (PAGE - 1);

	if (paddr + *size <= GIB4)
		return at((uint32_t)paddr);
	if (paddr >> address_bits())
		return NULL;
	if (!pointers[0])
		enable_paging();
	directories[WINDOW / PAGE] = (paddr - offset) | LARGE | WRITABLE | PRESENT;
	load_cr3();
	if (*size > PAGE - offset)
		*size = PAGE - offset;
	return at(WINDOW + offset);
}

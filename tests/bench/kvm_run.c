/*
 * kvm_run.c - writes down how long QEMU is busy with each exit of its first processor.
 *
 * For LD_PRELOAD, built and read by exit_times.py.  It stands in front of ioctl(): an exit begins
 * when KVM_RUN returns and ends when it is called again, so what is measured is QEMU's alone, under
 * any KVM.  At the end the records go to the file that $KVM_RUN_RECORDS names.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define RECORD_COUNT 200000
#define RUN_SIZE     4096 /* of what KVM shares, the part with the reason */

/* As exit_times.py unpacks it; times in nanoseconds. */
struct record {
	uint64_t left;       /* since 1970: KVM_RUN returned */
	uint64_t entered;    /* it was called again; 0: never */
	uint64_t slots_time; /* of that, in KVM for memory slots */
	uint64_t address;    /* port or MMIO address */
	uint32_t slots;      /* calls for them */
	uint32_t reason;     /* KVM_EXIT_... */
};

static struct record records[RECORD_COUNT];
static size_t record_count;
static int processor = -1;
static const struct kvm_run *run;

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int call(int fd, unsigned long request, void *argument)
{
	static int (*real)(int, unsigned long, ...);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "ioctl");
	return real(fd, request, argument);
}

static int run_processor(int fd, unsigned long request, void *argument)
{
	if (record_count)
		records[record_count - 1].entered = now();

	int result = call(fd, request, argument);

	if (record_count == RECORD_COUNT)
		return result;

	struct record *record = &records[record_count++];

	record->left = now();
	record->reason = result < 0 ? ~0u : run->exit_reason;
	if (record->reason == KVM_EXIT_IO)
		record->address = run->io.port;
	else if (record->reason == KVM_EXIT_MMIO)
		record->address = run->mmio.phys_addr;
	return result;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;

	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);

	if (request == KVM_RUN && fd == processor)
		return run_processor(fd, request, argument);
	if (request == KVM_SET_USER_MEMORY_REGION && record_count) {
		uint64_t start = now();
		int result = call(fd, request, argument);

		records[record_count - 1].slots_time += now() - start;
		records[record_count - 1].slots++;
		return result;
	}

	int result = call(fd, request, argument);

	if (request == KVM_CREATE_VCPU && processor < 0 && result >= 0) {
		run = mmap(NULL, RUN_SIZE, PROT_READ, MAP_SHARED, result, 0);
		processor = run == MAP_FAILED ? -1 : result;
	}
	return result;
}

__attribute__((destructor)) static void finish(void)
{
	const char *path = getenv("KVM_RUN_RECORDS");
	FILE *file = path && record_count ? fopen(path, "wb") : NULL;

	if (!file)
		return;
	fwrite(records, sizeof(records[0]), record_count, file);
	fclose(file);
}

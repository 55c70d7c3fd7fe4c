/*
 * test_replay.c - the modelled machine gives what QEMU gave: PCI configuration space.
 *
 * tests/data/pci has each access of the firmware's to it under a real QEMU, and what was read.  A
 * boot on the model makes the same accesses in the same order with the same values.  Where the
 * firmware's accesses have changed, scripts/record_pci.py records anew.
 */
#include "machine.h"

#define MOST_ACCESSES 400
#define REPLAY_RAM    (32 * MIB)

struct access {
	bool write;
	uint32_t bdf, offset, value;
};

static struct access recorded[MOST_ACCESSES], modelled[MOST_ACCESSES];
static uint32_t recorded_count, modelled_count;

static void read_record(const char *name)
{
	char path[128], line[512], kind;
	uint32_t bus, slot, function;
	FILE *file;

	snprintf(path, sizeof(path), UNIT_DATA "/pci/%s", name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("cannot open %s; run make from the top", path);
	recorded_count = 0;
	while (fgets(line, sizeof(line), file)) {
		struct access *access = &recorded[recorded_count];

		if (line[0] == '#')
			continue;
		assert_int_equal(sscanf(line, "%c %x:%x.%x %x %x", &kind, &bus, &slot, &function,
					&access->offset, &access->value),
				 6);
		access->write = kind == 'w';
		access->bdf = PCI_BDF(bus, slot, function);
		assert_true(++recorded_count < MOST_ACCESSES);
	}
	fclose(file);
}

/* QEMU's trace has what reaches a function, eight bytes as two accesses. */
static void read_model(void)
{
	modelled_count = 0;
	for (uint32_t i = 0; i < fake.log_count; i++) {
		const struct fake_access *logged = &fake.log[i];
		uint32_t halves = logged->size == 8 ? 2 : 1;

		if ((logged->kind != FAKE_PCI_READ && logged->kind != FAKE_PCI_WRITE) ||
		    !fake_pci_at(logged->address >> 12))
			continue;
		for (uint32_t half = 0; half < halves; half++) {
			assert_true(modelled_count < MOST_ACCESSES);
			modelled[modelled_count++] = (struct access){
				.write = logged->kind == FAKE_PCI_WRITE,
				.bdf = logged->address >> 12,
				.offset = (logged->address & 0xfff) + 4 * half,
				.value = (uint32_t)(logged->value >> (32 * half)),
			};
		}
	}
}

static void compare(const char *name)
{
	char is[64], was[64];

	read_model();
	for (uint32_t i = 0; i < recorded_count || i < modelled_count; i++) {
		const struct access *model = &modelled[i], *qemu = &recorded[i];

		snprintf(is, sizeof(is), "%s %x:%x.%x @%x %x", model->write ? "write" : "read",
			 PCI_BUS(model->bdf), PCI_SLOT(model->bdf), PCI_FUNCTION(model->bdf),
			 model->offset, model->value);
		snprintf(was, sizeof(was), "%s %x:%x.%x @%x %x", qemu->write ? "write" : "read",
			 PCI_BUS(qemu->bdf), PCI_SLOT(qemu->bdf), PCI_FUNCTION(qemu->bdf),
			 qemu->offset, qemu->value);
		if (i >= recorded_count || i >= modelled_count || strcmp(is, was) != 0)
			fail_msg("%s: access %u is \"%s\" on the model, \"%s\" under QEMU; is the "
				 "model wrong, or scripts/record_pci.py to be run?",
				 name, i, i < modelled_count ? is : "none",
				 i < recorded_count ? was : "none");
	}
}

static void must_replay(const char *name)
{
	read_record(name);
	assert_in_range(recorded_count, 10, MOST_ACCESSES);
	machine_ram = REPLAY_RAM;
	has_f_smbase = true;
	add_machine(name, BZIMAGE);
	assert_int_equal(fake_run(run_firmware()), FAKE_HANDOFF);
	compare(name);
	check_boot(name, BZIMAGE);
	check_untouched(name);
}

static void test_pc(void **state)
{
	(void)state;
	must_replay("pc");
}

static void test_q35(void **state)
{
	(void)state;
	must_replay("q35");
}

static void test_microvm_pcie(void **state)
{
	(void)state;
	must_replay("microvm-pcie");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_pc),
		UNIT_TEST(test_q35),
		UNIT_TEST(test_microvm_pcie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

# Measurements: what a boot makes QEMU do (counted, part of the tests) and how long it takes.

BENCH_PYTHON ?= $(if $(wildcard /usr/bin/python3),/usr/bin/python3,$(PYTHON))

# The exit budget alone.  After a change that is worth more: tests/bench/budget.py --update
.PHONY: budget
budget: $(O)/qboot.bin            ## count what the firmware makes QEMU do, and compare with the budget
	$(Q)$(BENCH_PYTHON) tests/bench/budget.py --firmware $<

# The report: build/bench/report.html.  BENCH_ARGS: see tests/bench/bench.py --help
.PHONY: bench
bench:                          ## compare with the firmwares on this machine: build/bench/report.html
	@sh scripts/deps.sh bench
	@$(MAKE) --no-print-directory all
	$(Q)$(BENCH_PYTHON) tests/bench/bench.py --output $(O)/bench $(BENCH_ARGS)

# The whole boot, ours and each installed firmware's; the same after a change of what is handed over.
.PHONY: whole
whole: $(O)/qboot.bin             ## count PCI accesses and rebuilds from reset to init, ours and others'
	$(Q)$(BENCH_PYTHON) tests/bench/whole.py --firmware $<

"""Which boot tests `make check` runs: enough to trust a change, in minutes.

`make check-all` runs all.

Contract: QUICK maps a test file to patterns of the names it runs; a file not named here runs whole.
"""

import re

QUICK = {
    "callers_test.py": [r"test_(?!boot)"],
    "whole_test.py": [r"test_whole\[(q35,-one-device|microvm)|test_(?!whole)"],
    "boot_test.py": [
        r"test_boot\[(pc|q35|microvm|microvm-noacpi)-(cloud|generic)-vmlinu[xz]\]",
        r"test_boot\[(pc|q35|microvm|microvm-noacpi)-2cpus-generic-vmlinuz\]",
        r"test_boot\[(pc|q35|microvm|microvm-noacpi)-8cpus-(cloud|generic)-vmlinux\]",
        r"test_boot\[(pc|q35)-i386-on-(x86_64|i386)\]",
        r"test_boot\[(pc|q35|microvm)-(3073M|4092069k)\]",
        r"test_boot\[(pc-2cpus-noacpi|q35-root-port|q35-20-devices)\]",
        r"test_boot\[launcher-(kata|melange|plain)\]",
        r"test_guest_reboots\[(pc-keyboard|q35-pci|microvm-triple)-3\]",
        r"test_system_resets\[q35-20\]",
        r"test_disk_hotplug\[(q35-kata-bridge|pc-root-bus)",
    ],
    "compat_test.py": [r"test_payload\[(gnumach-pc|memdisk-microvm)\]"],
    "cpu_test.py": [r"test_sleep\[(pc-1|q35-1)\]", r"test_memory_plugged\[q35\]"],
    "clients_test.py": [],      # programs that are large, and slow without KVM
    # The others of these rows take many processors, or much memory, through three starts each.
    "guest_test.py": [r"(?!.*smm\.wake|test_forged_record\[.*-smp)",
                      r"test_boot\[(q35|pc) bz-low\.img 16 .*smm\.wake -smp 1\]"],
    "nested_test.py": [],       # a busy host starves the guest of a guest
    "pci_test.py": [r"test_addresses\[(q35-24|pc-24|q35-ports|q35-pxb|microvm-24)\]"],
    "snapshot_test.py": [r"test_saved_and_loaded\[q35-bz64"],
    "uki_test.py": [r"test_boot\[cloud-q35\]", r"test_(malformed|truncated|own_kernel)",
                    r"test_(other_applications|profile_that_is_none)"],
    "tpm_test.py": [r"test_started\[tpm-(tis-1.2|crb-2.0)-q35\]", r"test_hung"],
    "xen_test.py": [r"test_xen\[q35-2\]"],
    "tables_test.py": [r"test_same_as_seabios\[(pc|q35|tpm-tis|tpm-crb)\]", r"test_vmgenid",
                       r"test_vmcoreinfo\[q35\]", r"test_fpdt\[q35\]"],
}


def is_quick(file_name, test_name):
    """Whether `make check` runs that test."""
    patterns = QUICK.get(file_name)
    return patterns is None or any(re.match(pattern, test_name) for pattern in patterns)

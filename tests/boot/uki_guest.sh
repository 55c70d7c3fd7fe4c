#!/bin/sh
# /init of the initrds in uki_test.py: says what came with the kernel, one line each, and powers off.
mkdir -p /proc /sys
mount -t proc none /proc
mount -t sysfs none /sys
echo 1 >/proc/sys/kernel/printk
fact() {
	echo "UKI $*"
}
fact kernel "$(uname -r)"
fact cmdline "$(cat /proc/cmdline)"
# Files at the end of the initrd, and of the microcode in front of it: their size and last bytes.
for file in blob kernel/x86/microcode/AuthenticAMD.bin; do
	[ -e "/$file" ] && fact "${file##*/}" "$(wc -c <"/$file")" "$(tail -c 4096 "/$file" | sha256sum | cut -d' ' -f1)"
done
for node in /sys/kernel/boot_params/setup_data/*; do
	[ -e "$node/type" ] && fact node "$(cat "$node/type")" "$(sha256sum <"$node/data" | cut -d' ' -f1)"
done
[ -e /sys/class/dmi/id/sys_vendor ] && fact vendor "$(cat /sys/class/dmi/id/sys_vendor)"
strings=/sys/firmware/dmi/entries/11-0/raw
[ -e $strings ] && fact oem "$(tr '\0' '\n' <$strings | grep -c ^io.systemd)"
fact "done"
poweroff -f

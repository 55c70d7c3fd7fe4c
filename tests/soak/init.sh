#!/bin/sh
# The first program of the guests of soak.py: prints what the kernel found, each line "SOAK KEY VALUE",
# last "SOAK done".  Few processes, because each costs milliseconds where processors are emulated.
#
#   attr PATH VALUE      an attribute of a PCI function, PATH from /sys/devices on
#   resource PATH FIRST LAST FLAGS        its resources, in order
#   driver PATH          a driver has bound to it
#   head BASE64          the first 64 bytes of each function's configuration space, in the order of BDFs
#   tables BASE64        ACPI's and DMI's tables, as a tar archive
#   cpu LINE             /proc/cpuinfo
#   node, irq, mtrr, iomem, disk, uptime, memtotal     what their names say
#   dmesg LINE           the kernel's messages, with their levels

. /setup
dmesg -n 1
read -r uptime _ </proc/uptime
# Drivers that make a device use its interrupt, and that show what is in a table.
for _ in 1 2; do
	# shellcheck disable=SC2046
	modprobe -abq $(cat /sys/bus/*/devices/*/modalias | sort -u) 2>/dev/null
done
echo "SOAK begin"
echo "SOAK uptime $uptime"
cd /sys/devices || exit
for bdf in /sys/bus/pci/devices/*; do
	[ -e "$bdf" ] && readlink -f "$bdf"
done | sed 's|^/sys/devices/||' >/tmp/functions
while read -r path; do
	for name in vendor device class irq subsystem_device; do
		read -r value <"$path/$name" && echo "SOAK attr $path/$name $value"
	done
	while read -r line; do
		echo "SOAK resource $path $line"
	done <"$path/resource"
	[ -e "$path/driver" ] && echo "SOAK driver $path"
done </tmp/functions
[ -s /tmp/functions ] && echo "SOAK head $(head -q -c 64 /sys/bus/pci/devices/*/config | base64 -w0)"
tables=
[ -e /sys/firmware/acpi/tables ] && tables=acpi/tables
[ -e /sys/firmware/dmi/tables ] && tables="$tables dmi/tables"
# shellcheck disable=SC2086
[ -n "$tables" ] && echo "SOAK tables $(tar -c -C /sys/firmware $tables 2>/dev/null | base64 -w0)"
grep -E '^(processor|physical id|core id|apicid|cpu cores|siblings)' /proc/cpuinfo | sed 's/^/SOAK cpu /'
for node in /sys/devices/system/node/node*; do
	[ -e "$node" ] || continue
	read -r cpus <"$node/cpulist"
	read -r distance <"$node/distance"
	echo "SOAK node ${node##*/} cpus=$cpus distance=$distance"
	sed -n "s/.*\(Node.*MemTotal.*\)/SOAK nodemem \1/p" "$node/meminfo"
done
sed 's/  */ /g; s/^/SOAK irq /' /proc/interrupts
[ -e /proc/mtrr ] && sed 's/^/SOAK mtrr /' /proc/mtrr
sed 's/^/SOAK iomem /' /proc/iomem
sed -n 's/^MemTotal: *\([0-9]*\) kB/SOAK memtotal \1/p' /proc/meminfo
for disk in /sys/block/*; do
	[ -e "$disk/device" ] && echo "SOAK disk $(dd if="/dev/${disk##*/}" bs=512 count=1 2>/dev/null |
		sha256sum | cut -d' ' -f1)"
done
for device in /sys/bus/nd/devices/region* /sys/bus/cxl/devices/* /sys/bus/acpi/devices/QEMUVGID* \
	/sys/class/tpm/tpm0 /sys/class/iommu/*; do
	[ -e "$device" ] && echo "SOAK other ${device#/sys/}"
done
dmesg -r | sed 's/^/SOAK dmesg /'
echo "SOAK done"
grep -q soak.poweroff /proc/cmdline && poweroff -f
reboot -f
sleep 1000

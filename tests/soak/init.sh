#!/bin/sh
# The first program of the guests of soak.py: finds what the kernel found, each line "SOAK KEY VALUE",
# and prints all of it as one line "SOAK found", gzip in BASE64, last "SOAK done".  Few processes, few
# calls of the kernel and few bytes, because each costs where processors are emulated; busybox finds its
# commands in itself.
#
#   attr PATH VALUE      an attribute of a PCI function, PATH from /sys/devices on
#   resource PATH FIRST LAST FLAGS        its resources, in order
#   driver PATH          a driver has bound to it
#   head BASE64          the first 64 bytes of each function's configuration space, in the order of BDFs
#   tables BASE64        ACPI's and DMI's tables, as a tar archive with gzip
#   cpu LINE             /proc/cpuinfo
#   node, nodemem, irq, iomem, disk, other     what their names say
#   dmesg LINE           the kernel's messages, with their levels

/bin/busybox mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
dmesg -n 1
echo "SOAK begin"

# Drivers that make a device use its interrupt, and that show what is in a table; then what is behind
# them.
for bus in '*' virtio; do
	# shellcheck disable=SC2046,SC2086
	modprobe -abq $(cat /sys/bus/$bus/devices/*/modalias 2>/dev/null | sort -u) 2>/dev/null
done

found() {
	files=
	for path in $(realpath /sys/bus/pci/devices/* 2>/dev/null); do
		path=${path#/sys/devices/}
		for name in vendor device class irq subsystem_device resource; do
			files="$files $path/$name"
		done
		[ -e "$path/driver" ] && echo "SOAK driver $path"
	done
	[ -n "$files" ] && {
		# shellcheck disable=SC2086
		grep -H "" $files | sed 's|^\(.*\)/resource:|SOAK resource \1 |; t
			s|^\(.*\):|SOAK attr \1 |'
		echo "SOAK head $(head -q -c 64 /sys/bus/pci/devices/*/config | base64 -w0)"
	}
	sed -n 's/^\(processor\|physical id\|core id\|apicid\|cpu cores\|siblings\)/SOAK cpu &/p' /proc/cpuinfo
	for node in /sys/devices/system/node/node*; do
		[ -e "$node" ] || continue
		read -r cpus <"$node/cpulist"
		read -r distance <"$node/distance"
		echo "SOAK node ${node##*/} cpus=$cpus distance=$distance"
		sed -n "s/.*\(Node.*MemTotal.*\)/SOAK nodemem \1/p" "$node/meminfo"
	done
	sed 's/  */ /g; s/^/SOAK irq /' /proc/interrupts
	sed 's/^/SOAK iomem /' /proc/iomem
	for disk in /sys/block/*; do
		[ -e "$disk/device" ] && echo "SOAK disk $(dd if="/dev/${disk##*/}" bs=512 count=1 2>/dev/null |
			sha256sum | cut -d' ' -f1)"
	done
	for device in /sys/bus/nd/devices/region* /sys/bus/cxl/devices/* /sys/bus/acpi/devices/QEMUVGID* \
		/sys/class/tpm/tpm0 /sys/class/iommu/*; do
		[ -e "$device" ] && echo "SOAK other ${device#/sys/}"
	done
	dmesg -r | sed 's/^/SOAK dmesg /'
}

cd /sys/devices || exit
tables=
[ -e /sys/firmware/acpi/tables ] && tables=acpi/tables
[ -e /sys/firmware/dmi/tables ] && tables="$tables dmi/tables"
# shellcheck disable=SC2086
[ -n "$tables" ] && echo "SOAK tables $(tar -c -C /sys/firmware $tables 2>/dev/null | gzip -c | base64 -w0)"
echo "SOAK found $(found | gzip -c | base64 -w0)"
echo "SOAK done"
# When all has been sent; at once, without the shutdown of each device.
stty -echo
echo b >/proc/sysrq-trigger
sleep 1000

#!/bin/sh
# The first program of the guests of tables_test.py, instead of guest-init.sh: prints what the kernel
# found of the firmware's tables, each line "TAB KEY VALUE", last "TAB done".
#
#   file NAME BASE64     a table, as /sys/firmware has it
#   mem ADDRESS BASE64   64 bytes of memory, for each tab.mem=ADDRESS of the command line
#   config DEVICE SIZE   how much of its configuration space a PCI device shows
#   cpus N, disk NAME
#   tpm VERSION PCR0     what the kernel says of the TPM; PCRs are of SHA-256
#   pcrread LINE         what tpm2_pcrread says, once PCR 16 has been extended by ab...ab
#   hwclock, rtcwake N   exit status of reading the clock, and of waiting for its alarm
#   dmesg LINE           the kernel's messages about tables
# tab.again: after "TAB again" prints mem and what is new in dmesg again each second.

. /setup
dmesg -n 1

modprobe_all() {
	for _ in 1 2 3; do
		# shellcheck disable=SC2046
		modprobe -abq $(cat /sys/bus/*/devices/*/modalias 2>/dev/null | sort -u) 2>/dev/null
	done
}

memory() {
	for word in $(cat /proc/cmdline); do
		case $word in
		tab.mem=*)
			address=${word#*=}
			echo "TAB mem $address $(dd if=/dev/mem bs=8 skip=$((address / 8)) count=8 \
				2>/dev/null | base64 -w0)"
			;;
		esac
	done
}

config() {
	for device in /sys/bus/pci/devices/*; do
		echo "TAB config ${device##*/} $(stat -c %s "$device/config")"
	done
}

modprobe -aq virtio_mmio          # without ACPI the command line tells its devices
modprobe_all
insmod /fw_cfg.ko
echo "TAB begin"
cd /sys/firmware || exit
for file in $(find acpi/tables dmi/tables -type f 2>/dev/null); do
	echo "TAB file $file $(base64 -w0 "$file")"
done
for file in /sys/firmware/qemu_fw_cfg/by_name/etc/vmcoreinfo/raw \
	/sys/firmware/qemu_fw_cfg/by_name/etc/vmgenid_addr/raw; do
	[ -e "$file" ] && echo "TAB file $file $(base64 -w0 "$file")"
done
memory
config
echo "TAB cpus $(grep -c ^processor /proc/cpuinfo)"
for disk in /sys/block/*; do
	[ -e "$disk/device" ] && echo "TAB disk ${disk##*/} $(dd if="/dev/${disk##*/}" bs=512 count=1 \
		2>/dev/null | sha256sum | cut -d' ' -f1)"
done
for net in /sys/class/net/eth*; do
	[ -e "$net" ] || continue
	ip link set "${net##*/}" up
	udhcpc -q -n -t 5 -T 1 -i "${net##*/}" -s /bin/dhcp >/dev/null 2>&1 && echo "TAB net ${net##*/}"
done
if [ -e /sys/class/tpm/tpm0 ]; then
	echo "TAB tpm $(cat /sys/class/tpm/tpm0/tpm_version_major) $(cat /sys/class/tpm/tpm0/pcr-sha256/0)"
fi
if [ -e /bin/tpm2_pcrread ]; then
	export TPM2TOOLS_TCTI=device:/dev/tpm0
	tpm2_pcrextend 16:sha256="$(printf 'ab%.0s' $(seq 32))"
	tpm2_pcrread sha256:0,16 | sed 's/^ */TAB pcrread /'
fi
if [ -e /host/hwclock ]; then
	timeout 30 /host/hwclock -r -f /dev/rtc0 >/dev/null
	echo "TAB hwclock $?"
	timeout 30 /host/rtcwake -m on -s 2 -d /dev/rtc0 >/dev/null
	echo "TAB rtcwake $?"
fi
messages() {
	dmesg "$@" | sed 's/^\[ *[0-9.]*\] //' |
		grep -E 'ACPI|DMI|SMBIOS|MPTABLE|tpm|Firmware Bug|crng reseeded' |
		grep -v 'Command line:' | sed 's/^/TAB dmesg /'
}
messages
sed 's/^ *//; s/  */ /g; s/^/TAB irq /' /proc/interrupts
grep -q tab.again /proc/cmdline && {
	dmesg -c >/dev/null
	echo "TAB again"
	while sleep 1; do
		memory
		config
		messages -c
	done
}
echo "TAB done"
grep -q tab.poweroff /proc/cmdline && poweroff -f
reboot -f
sleep 1000

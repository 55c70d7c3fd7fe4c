#!/bin/sh
# /init of the initramfs that scripts/initramfs.py makes.
#
# Without words on the kernel's command line: brings up eth0 if there is one, says so, and gives a
# shell on the console; when the shell ends the machine powers off, and so it does at "poweroff" or
# "halt"; "reboot" resets it.  Words:
#
#   qb.run=once          the same without the shell
#   qb.test=WORD,...     print facts for tests, one a line, each "QB KEY VALUE", last "QB done".
#                        Always: begin kernel uptime memtotal cpus flags e820 mtrr pat dmi acpi pci bar irq
#                        disk assigned warn.  On request:
#       iso=DEV          mount DEV (iso9660), print the sha256 of each file in it
#       raw=DEV          print the sha256 of the first MiB of DEV
#       net              DHCP on eth0, then the sha256 of the file "file" by TFTP from the gateway
#       pci              print the first 64 bytes of each function's configuration space, who has
#                        which addresses, and the kernel's messages that are warnings or worse
#       sriov=N          create N virtual functions of each device that can, print each one's name,
#                        driver, hardware address, bytes of configuration space and dword 0x100 in it,
#                        and the addresses of all functions
#       plug=DEV         print "ready", wait for DEV to appear, then print its size
#       cpu=N            bring up CPU N, which is waited for
#   qb.console=hvc0      print there instead of on /dev/console
#   qb.end=poweroff      (the default), or reboot, or wait: what to do after "QB done"

. /setup
read -r uptime _ </proc/uptime

run='' tests='' console='' end=poweroff
read -r cmdline </proc/cmdline
for word in $cmdline; do
	case $word in
	qb.run=*) run=${word#*=} ;;
	qb.test=*) tests=${word#*=} ;;
	qb.console=*) console=${word#*=} ;;
	qb.end=*) end=${word#*=} ;;
	esac
done

# A bus appears when its driver is loaded, so one look is not enough: PCI, virtio, disks.
load_modules() {
	seen=
	while devices=$(cat /sys/bus/*/devices/*/modalias 2>/dev/null | sort -u) &&
		[ "$devices" != "$seen" ]; do
		# shellcheck disable=SC2086
		modprobe -abq $devices 2>/dev/null
		seen=$devices
	done
}

# Waits ten seconds at most for the path $1.
appears() {
	tries=100
	until [ -e "$1" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

# The address of eth0 by DHCP, or nothing.
network() {
	[ -e /sys/class/net/eth0 ] || return 1
	ip link set lo up
	ip link set eth0 up
	udhcpc -q -n -t 10 -T 1 -i eth0 -s /bin/dhcp >/dev/null 2>&1 || return 1
	ip -4 -o addr show eth0 | sed 's/.*inet \([0-9.]*\).*/\1/'
}

fact() {
	echo "QB $*"
}

# Prefixes what a command prints with the key $1.
facts() {
	sed "s|^|QB $1 |"
}

pci_facts() {
	for device in /sys/bus/pci/devices/*; do
		[ -e "$device/vendor" ] || continue
		name=${device##*/}
		fact pci "$name" "$(cat "$device/vendor" "$device/device" "$device/class" \
			"$device/irq" | tr '\n' ' ')"
		bar=0
		while read -r start finish flags; do
			[ "$flags" = 0x0000000000000000 ] || fact bar "$name" $bar "$start" "$finish" "$flags"
			bar=$((bar + 1))
		done <"$device/resource"
	done
}

machine_facts() {
	fact kernel "$(uname -r)"
	fact uptime "$uptime"
	fact memtotal "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
	fact cpus "$(nproc)"
	sed -n '/^flags/{s/.*: //p;q}' /proc/cpuinfo | facts flags
	dmesg >/tmp/dmesg
	sed -n 's/.*BIOS-e820: //p' /tmp/dmesg | facts e820
	sed 's/ *$//' /proc/mtrr 2>/dev/null | facts mtrr
	sed -n 's|.*x86/PAT: ||p' /tmp/dmesg | facts pat
	[ -e /sys/class/dmi/id/sys_vendor ] && facts dmi </sys/class/dmi/id/sys_vendor
	for table in /sys/firmware/acpi/tables/*; do
		[ -f "$table" ] && fact acpi "${table##*/}"
	done
	pci_facts
	sed 's/^ *//; s/  */ /g' /proc/interrupts | facts irq
	for disk in /sys/block/*; do
		[ -e "$disk/device" ] && fact disk "${disk##*/}" "$(cat "$disk/size")"
	done
	sed -n 's/.*\] pci \(.*\(BAR\|bridge window\).*assigned.*\)/\1/p' /tmp/dmesg | facts assigned
	grep -E "Firmware Bug|ACPI (BIOS )?(Error|Warning)|ACPI: (Unable|Failed)|can't claim|no space|\
failed to assign|inconsistent|mtrr: |MTRR.*(error|fail)|unchecked MSR|WARNING:|BUG:|Oops|nobody cared|\
PCI: Fatal|conflict|No irq handler" /tmp/dmesg | grep -v 'Command line:' | facts warn
}

test_iso() {
	mkdir -p /iso
	if ! appears "/dev/$1" || ! mount -t iso9660 -o ro "/dev/$1" /iso; then
		fact error "cannot mount $1"
		return
	fi
	(cd /iso && sha256sum -- *) | facts iso
	umount /iso
}

test_raw() {
	appears "/dev/$1" || fact error "no $1"
	fact raw "$1" "$(dd if="/dev/$1" bs=1M count=1 2>/dev/null | sha256sum | cut -d' ' -f1)"
}

test_net() {
	address=$(network) || {
		fact error "no network"
		return
	}
	fact net "$(cat /sys/class/net/eth0/address)" "$address"
	gateway=$(ip route | sed -n 's/default via \([0-9.]*\).*/\1/p')
	tftp -g -r file -l /tmp/file "$gateway" && fact tftp "$(sha256sum /tmp/file | cut -d' ' -f1)"
}

test_pci() {
	for device in /sys/bus/pci/devices/*; do
		fact config "${device##*/}" "$(hexdump -v -n 64 -e '16/4 "%08x "' "$device/config")"
	done
	sed 's/^ *//' /proc/iomem /proc/ioports | facts claimed
	dmesg -r | sed -n 's/^<[0-4]>\[[^]]*\] //p' | facts warning
}

test_sriov() {
	for device in /sys/bus/pci/devices/*; do
		[ -e "$device/sriov_numvfs" ] || continue
		echo "$1" >"$device/sriov_numvfs" || fact error "no virtual functions of ${device##*/}"
	done
	load_modules
	for device in /sys/bus/pci/devices/*; do
		[ -e "$device/physfn" ] || continue
		driver=$(readlink "$device/driver")
		fact vf "${device##*/}" "${driver##*/}" "$(cat "$device"/net/*/address)" \
			"$(wc -c <"$device/config")" "$(hexdump -v -s 256 -n 4 -e '"%08x"' "$device/config")"
	done
	pci_facts
}

test_plug() {
	fact ready
	tries=20
	while ! [ -e "/sys/block/$1/size" ] && [ $((tries -= 1)) -gt 0 ]; do
		sleep 0.5
		load_modules
	done
	if [ -e "/sys/block/$1/size" ]; then
		fact plug "$1" "$(cat "/sys/block/$1/size")"
	else
		fact error "$1 did not appear"
	fi
}

test_cpu() {
	fact ready
	cpu=/sys/devices/system/cpu/cpu$1/online
	if appears "$cpu" && echo 1 >"$cpu"; then
		fact cpus "$(nproc)"
	else
		fact error "CPU $1 did not come"
	fi
}

run_tests() {
	dmesg -n 1
	fact begin
	machine_facts
	for word in $(echo "$tests" | tr , ' '); do
		case $word in
		iso=* | raw=* | sriov=* | plug=* | cpu=*) "test_${word%%=*}" "${word#*=}" ;;
		net | pci) "test_$word" ;;
		facts) ;;
		*) fact error "unknown word $word" ;;
		esac
	done
	fact "done"
}

# These ask process 1, which is this script and waits for the shell; with -f they do it themselves.
# (Aliases, since Debian's busybox looks for its own commands before it looks into PATH.)
obey_the_shell() {
	cat >/etc/profile <<-END
		alias poweroff='poweroff -f'
		alias halt='poweroff -f'
		alias reboot='reboot -f'
	END
}

welcome() {
	address=$(network) || address="no network"
	read -r _ total _ </proc/meminfo
	echo "Linux $(uname -r) is up after $uptime s: $(nproc) CPU, $((total / 1024)) MiB, $address"
	[ "$run" = once ] && return
	obey_the_shell
	echo "This is a shell in the guest; 'exit' or 'poweroff' powers it off, 'reboot' resets it."
	setsid cttyhack sh -l
}

load_modules
[ -n "$console" ] && appears "/dev/$console" && exec >"/dev/$console" 2>&1 <"/dev/$console"
if [ -n "$tests" ]; then
	run_tests
else
	welcome
fi
case $end in
wait) sleep 86400 ;;
reboot) reboot -f ;;
*) poweroff -f ;;
esac
sleep 86400

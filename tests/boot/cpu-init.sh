#!/bin/sh
# /init of cpu_test.py, over the one of scripts/initramfs.py.  Words of qb.cpu=WORD,...:
#
#   sleep=N     N times: "QB sleep N", S3 until the host wakes it, then checksums of 64 MiB of memory
#               and of the first 16 MiB of each virtio disk, and the host bridge's registers of
#               SMRAM and PAM, as before the first sleep
#   cpus=N      wait until there are N processors, bring them up
#   memory=MIB  wait until there is as much more memory
#   fork        wait until the kernel has noticed that it is a copy
#   reboot      reboot as the kernel's reboot= says; "QB reboot" comes first
#
# Prints "QB KEY VALUE" lines, last "QB done".
. /setup
dmesg -n 1

fact() {
	echo "QB $*"
}

sums() {
	echo 3 >/proc/sys/vm/drop_caches
	for disk in /dev/vd?; do
		echo "${disk##*/} $(dd if="$disk" bs=1M count=16 2>/dev/null | md5sum)"
	done
	echo "$(md5sum </tmp/area)" \
		"$(hexdump -v -s 112 -n 48 -e '1/1 "%02x"' /sys/bus/pci/devices/0000:00:00.0/config)"
}

sleeps() {
	modprobe -abq virtio_pci virtio_blk
	dd if=/dev/urandom of=/tmp/area bs=1M count=64 2>/dev/null
	before=$(sums)
	i=1
	while [ $i -le "$1" ]; do
		fact sleep $i
		echo mem >/sys/power/state || fact error "no sleep"
		after=$(sums)
		[ "$after" = "$before" ] || fact error "before: $before, after sleep $i: $after"
		fact awake $i "$(echo "$after" | grep -c ^vd)"
		i=$((i + 1))
	done
}

online() {
	grep -c ^processor /proc/cpuinfo
}

cpus() {
	fact ready
	tries=200
	while [ "$(online)" -lt "$1" ] && [ $tries -gt 0 ]; do
		for cpu in /sys/devices/system/cpu/cpu[0-9]*/online; do
			[ "$(cat "$cpu")" = 1 ] || echo 1 >"$cpu"
		done 2>/dev/null
		tries=$((tries - 1))
		sleep 0.1
	done
}

kib() {
	for block in /sys/devices/system/memory/memory[0-9]*; do
		[ "$(cat "$block/state" 2>/dev/null)" = offline ] && echo online >"$block/state"
	done
	sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo
}

memory() {
	wanted=$(($(kib) + $1 * 1024))
	fact ready
	tries=200
	while [ "$(kib)" -lt $wanted ] && [ $tries -gt 0 ]; do
		tries=$((tries - 1))
		sleep 0.1
	done
	[ $tries -gt 0 ] || fact error "no more memory"
}

fork() {
	head -c 1 /dev/random >/dev/null        # only with a ready generator the kernel says so
	fact ready
	tries=300
	while ! dmesg | grep -q "virtual machine fork" && [ $tries -gt 0 ]; do
		tries=$((tries - 1))
		sleep 0.1
	done
}

read -r cmdline </proc/cmdline
for word in $cmdline; do
	case $word in
	qb.cpu=*) words=${word#*=} ;;
	esac
done
fact begin
for word in $(echo "$words" | tr , ' '); do
	value=${word#*=}
	case $word in
	sleep=*) sleeps "$value" ;;
	cpus=*) cpus "$value" ;;
	memory=*) memory "$value" ;;
	fork) fork ;;
	reboot)
		fact reboot
		reboot -f
		sleep 60
		;;
	esac
done
sed 's/^/QB mtrr /' /proc/mtrr
fact cpus "$(online)"
fact memory $(($(kib) / 1024))
dmesg | sed -n 's/.*\(x86\/PAT.*\|.*MTRR.*\|crng reseeded.*\|.*vmgenid.*\|WARNING.*\|BUG.*\)/QB log \1/p'
fact "done"
poweroff -f
sleep 60

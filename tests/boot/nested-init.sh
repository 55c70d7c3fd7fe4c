#!/bin/sh
# /init of nested_test.py's outer guest, over the one of scripts/initramfs.py: makes /dev/kvm, and runs
# the script "run" of the second share with the host's own root directory, read-only, for a root.
. /setup
dmesg -n 1
modprobe -a virtio_pci 9pnet_virtio 9p kvm_amd
mkdir /host
mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose,ro host /host || echo "NESTED no root"
mount --bind /dev /host/dev
mount -t proc proc /host/proc
mount -t 9p -o trans=virtio,version=9p2000.L,ro share /host/mnt || echo "NESTED no share"
chroot /host /bin/sh /mnt/run
echo "NESTED status $?"
cat /dev/said 2>/dev/null
echo "NESTED done"
poweroff -f
sleep 86400

# What each /init begins with, as /setup of the initramfs: busybox's commands, the kernel's filesystems.
# shellcheck shell=sh
PATH=/bin
export PATH
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev

# /setup of the initramfs, which each /init begins with: busybox's commands and the kernel's filesystems.
PATH=/bin
export PATH
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev

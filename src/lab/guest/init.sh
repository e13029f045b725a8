#!/bin/busybox sh
# First process of a guest under test: mounts what the agent needs, runs it, and switches the machine off.
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do
  [ -e "$module" ] && { insmod "$module" || echo "cannot load $module"; }
done
rm -rf /modules
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /tmp
mount -t tmpfs tmpfs /tmp
for controller in memory cpuset hugetlb; do
  echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
done
for tries in 1 2 3 4 5 6 7 8 9 10; do
  [ -e /dev/vport0p1 ] && break
  sleep 1
done
/bin/agent /dev/vport0p1 || echo "the agent ended with status $?"
poweroff -f

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Install what the lab needs from the machine's own Debian suite. Plain sh:
# on a fresh machine there is no python3 yet.

set -eu

packages="
	bc bison bzip2 busybox-static ca-certificates cpio debootstrap dwarves
	flex gcc git initramfs-tools-core kexec-tools kmod libc6-dev libelf-dev
	libjansson-dev libssl-dev lz4 make patch perl python3 qemu-system-x86 rsync
	seabios sparse xz-utils zlib1g-dev zstd
"

# shellcheck disable=SC2086
installed=$(dpkg-query -W -f '${db:Status-Abbrev}:${Package}:\n' $packages 2>/dev/null || :)
missing=
for package in $packages; do
	case $installed in
	*"ii :$package:"*) ;;
	*) missing="$missing $package" ;;
	esac
done

# Nothing to do: not even a lock is taken.
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null; then
	sudo=sudo
else
	echo "prereqs: not root and no sudo; as root, run:" >&2
	echo "  apt-get install$missing" >&2
	exit 1
fi

apt() {
	# shellcheck disable=SC2086
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q \
		-o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@"
}

echo "prereqs: installing$missing"
try=1
# shellcheck disable=SC2086
until apt update && apt install -y --no-install-recommends $missing; do
	if [ $try -ge 3 ]; then
		echo "prereqs: apt-get failed $try times; see its messages above" >&2
		exit 1
	fi
	try=$((try + 1))
	sleep 5
done

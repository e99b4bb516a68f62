#!/bin/sh
# SPDX-License-Identifier: MIT
# yama.sh - kernel.yama.ptrace_scope 0 to 3, in a virtual machine: an ordinary
# user launches programs and attaches to them. KERNEL names a kernel with Yama
# built in (Debian's vmlinuz has it). A minute; less with ACCEL=kvm where
# that works.
#
# The machine's only files are busybox, psample, some targets and their
# libraries; what runs in it is the second half of this file.
if [ "${1:-}" != inside ]; then
	. "${top_srcdir:-.}/tests/run/lib.sh"
	. "$top_srcdir/tests/run/figures.sh"
	plan 16
	requires_program qemu-system-x86_64 busybox cpio
	[ -r "${KERNEL:-}" ] || skip_all "needs KERNEL=vmlinuz, with Yama"
	root=$scratch/root
	mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" \
		"$root/tmp" "$root/etc"
	chmod 1777 "$root/tmp"
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp "$PSAMPLE" "$programs/truth" "$programs/eintr" "$root/bin/"
	cp "$top_srcdir/tests/campaign/yama.sh" "$root/init"
	sed -i '1s|.*|#!/bin/busybox sh|' "$root/init"
	chmod 755 "$root/init"
	echo 'user:x:1000:1000::/tmp:/bin/sh' >"$root/etc/passwd"
	ldd "$PSAMPLE" "$programs/truth" "$programs/eintr" |
		grep -o '/[^ :)]*\.so[^ :)]*' | sort -u |
		while read -r library; do
			mkdir -p "$root$(dirname "$library")"
			cp -L "$library" "$root$library"
		done
	(cd "$root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) \
		>"$scratch/initrd"
	timeout -s KILL "${LIMIT:-600}" qemu-system-x86_64 \
		-accel "${ACCEL:-tcg}" -cpu max -m 1024 -smp 2 \
		-nographic -no-reboot -nic none \
		-kernel "$KERNEL" -initrd "$scratch/initrd" -append \
		'console=ttyS0 quiet panic=-1 -- inside' \
		</dev/null >"$scratch/console" 2>&1
	tr -d '\r' <"$scratch/console" | sed -n '/TAP begins/,$p' |
		grep -E '^(ok|not ok|#)' >"$scratch/tap"
	cat "$scratch/tap"
	test_number=$(grep -c '^ok\|^not ok' "$scratch/tap")
	grep -q '^not ok' "$scratch/tap" && test_failed=1
	[ "$test_number" -gt 0 ] || diag_file "$scratch/console" 20
	finish
fi

export PATH=/bin HOME=/tmp
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
ip link set lo up 2>/dev/null
cd /tmp || exit 1
echo "TAP begins"
n=0

says() { # NAME FILE WORDS
	n=$((n + 1))
	if grep -q "$3" "$2"; then
		echo "ok $n - $1"
	else
		sed 's/^/# /' "$2"
		echo "not ok $n - $1"
	fi
}

as_user() { # COMMAND...
	printf '#!/bin/sh\n%s\necho "status $?"\n' "$*" >/tmp/command
	chmod 755 /tmp/command
	su user -c /tmp/command >/tmp/out 2>&1
}

su user -c 'exec truth one 600' >/dev/null 2>&1 &
sleep 1
pid=$(pidof truth)
for scope in 0 1 2 3; do
	echo $scope >/proc/sys/kernel/yama/ptrace_scope
	scope_name="ptrace_scope $scope"
	launch=0 attach=0 root_attach=0
	case $scope in # ptrace(2), /proc/sys/kernel/yama/ptrace_scope
	1) attach=1 ;;
	2) launch=125 attach=1 ;;
	3) launch=125 attach=1 root_attach=1 ;;
	esac
	as_user psample -d 1 -f folded -o p.launched -- truth one 3
	says "$scope_name: a user launches" out "^status $launch$"
	as_user psample -d 1 -f folded -o p.attached -p "$pid"
	says "$scope_name: a user attaches" out "^status $attach$"
	[ $attach = 0 ] || cp out refused
	[ $attach = 0 ] || says "$scope_name: and is told why" refused \
		ptrace_scope
	psample -d 1 -f folded -o p.root -p "$pid" >out 2>&1
	echo "status $?" >>out
	says "$scope_name: root attaches" out "^status $root_attach$"
	rm -f p.launched p.attached
	[ $scope != 1 ] || {
		as_user psample -e wall -F 1000 -f folded -o p.eintr -- eintr 5
		says "$scope_name: calls of a launched program" out '^status 0'
	}
done
echo "TAP ends"
poweroff -f

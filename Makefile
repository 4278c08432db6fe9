# SPDX-License-Identifier: GPL-2.0
#
# What a person types; `make help` lists it. Kbuild reads the file Kbuild.

KDIR	?= /lib/modules/$(shell uname -r)/build
KERNEL	?= 6.12
TO	?=
BREAK	?=
SEED	?=
SUITE	?=
LIST	?= short
ALLOW_SKIP ?=

LAB	:= tools/lab
# BTF of a module fits one vmlinux alone, and making it takes more than a compiler.
# Tests, and their hooks in the modules, are for the lab, which builds them itself.
KBUILD	= $(MAKE) -C $(KDIR) M=$(CURDIR) CONFIG_DEBUG_INFO_BTF_MODULES= \
	CONFIG_KMCL_KUNIT= CONFIG_KMCL_KUNIT_HV=
MODULES	:= kmcl kmcl_loopback kmcl_hv kmcl_windows kmcl_load vsp_echo vsc_load kmcl_dm

export ALLOW_SKIP

.DEFAULT_GOAL := modules
.PHONY: modules have-headers prereqs cache demo check check-quick check-all \
	check-hyperv hyperv-shell kunit bench bench-hyperv mutants style kmclctl install \
	install-initramfs uninstall clean help

modules: have-headers
	+$(KBUILD) modules

have-headers:
	@if [ ! -e $(KDIR)/Makefile ]; then \
		echo "There are no kernel headers in $(KDIR)."; \
		echo "  For the running kernel: apt-get install linux-headers-$$(uname -r)"; \
		echo "  For another one:        make KDIR=/usr/src/linux-headers-..."; \
		echo "  To try it without:      make demo  (brings a kernel of its own)"; \
		exit 1; \
	fi >&2

prereqs:
	@$(LAB)/prereqs.sh

cache: prereqs
	@$(LAB)/lab cache

demo: prereqs
	@$(LAB)/lab cache $(KERNEL) $(TO)
	@$(LAB)/demo --kernel $(KERNEL) $(if $(TO),--to $(TO)) \
		$(if $(BREAK),--break $(BREAK)) $(if $(SEED),--seed $(SEED))

check check-quick check-all: prereqs
	@$(LAB)/check $(patsubst check-%,%,$(filter-out check,$@))

check-hyperv: prereqs
	@names=$$($(LAB)/hyperv needs --kernel $(KERNEL) --list $(LIST)) && $(LAB)/lab cache $$names
	@$(LAB)/hyperv check --kernel $(KERNEL) --list $(LIST)

hyperv-shell: prereqs
	@names=$$($(LAB)/hyperv needs --kernel $(KERNEL)) && $(LAB)/lab cache $$names
	@$(LAB)/hyperv shell --kernel $(KERNEL)

kunit: prereqs
	@$(LAB)/lab cache uml-san
	@$(LAB)/lab kunit --kernel uml-san $(if $(SUITE),--suite '$(SUITE)')

bench: prereqs
	@$(LAB)/lab cache uml-fast
	@$(LAB)/bench

bench-hyperv: prereqs
	@$(LAB)/lab cache x86
	@$(LAB)/bench --hyperv

mutants: prereqs
	@$(LAB)/lab cache uml-fast
	@$(LAB)/mutants

style: prereqs
	@$(LAB)/lab cache 6.12 source
	@$(LAB)/lab style

kmclctl:
	+$(MAKE) -C tools/kmclctl

# The release that KDIR is for, as uname -r says it: kernel.release may say less
RELEASE	= $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
DEPMOD	= PATH=$$PATH:/usr/sbin:/sbin depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(RELEASE)

install: modules kmclctl
	+$(KBUILD) CONFIG_MODULE_SIG_ALL= modules_install
	$(DEPMOD)
	+$(MAKE) -C tools/kmclctl install

install-initramfs:
	+@$(MAKE) -s -C tools/initramfs-tools install
	@echo "Now make the initramfs of the kernel to come anew: update-initramfs -u -k RELEASE"

uninstall: have-headers
	@for m in $(MODULES); do \
		find $(INSTALL_MOD_PATH)/lib/modules/$(RELEASE)/updates \
		     $(INSTALL_MOD_PATH)/lib/modules/$(RELEASE)/extra \
		     -name "$$m.ko*" -delete 2>/dev/null; \
	done; :
	$(DEPMOD)
	+$(MAKE) -C tools/kmclctl uninstall
	+$(MAKE) -C tools/initramfs-tools uninstall

clean:
	+@if [ -e $(KDIR)/Makefile ]; then $(KBUILD) clean; fi
	+@$(MAKE) -C tools/kmclctl clean
	rm -rf build

help:
	@echo 'Modules'
	@echo '  make [KDIR=...]      build the modules for the running kernel, or for KDIR'
	@echo '  make kmclctl         build kmclctl; needs libjansson-dev'
	@echo '  make install         install them, and kmclctl; uninstall takes them away'
	@echo '      prefix=/usr/local    where kmclctl goes'
	@echo '      INSTALL_MOD_PATH=    put before /lib/modules'
	@echo '  make install-initramfs   have initramfs-tools put in what takes a saved state in'
	@echo '  make clean           remove what was built; the cache stays'
	@echo
	@echo 'Trying it; these install what they need (as root or with sudo)'
	@echo '  make demo            live-update a kernel under load, in QEMU, and judge it'
	@echo '      KERNEL=6.12      the kernel to start with: 6.1, 6.12 or 7.3'
	@echo '      TO=              the kernel to go to; the same if not given'
	@echo '      BREAK=           plant a fault: drop, dup, flip or late'
	@echo '      SEED=            repeat a run'
	@echo '  make hyperv-shell    a shell in a Hyper-V guest; KERNEL=6.12'
	@echo '  make cache           prepare all kernels, in $${KMCL_CACHE:-~/.cache/kmcl}'
	@echo '      KMCL_JOBS=           compilers at once; all processors if not given'
	@echo
	@echo 'Tests'
	@echo '  make check-quick     one kernel, checkpatch, unit tests: under a minute'
	@echo '  make check           what has to pass; ALLOW_SKIP=name,... allows skips'
	@echo '  make check-all       the other kernels, demos and mutants, too'
	@echo '  make check-hyperv    the hv transport, in a Hyper-V guest of QEMU; KERNEL=...|all'
	@echo '      LIST=short       or full: updates, ballooning, unbinding, hibernation'
	@echo '  make kunit [SUITE=]  unit tests on the sanitised kernel'
	@echo '  make style           checkpatch, sparse, kernel-doc'
	@echo '  make mutants         wrong changes that the unit tests must find'
	@echo '  make bench           benchmarks; say nothing about right or wrong'
	@echo '  make bench-hyperv    the hv transport beside hv_vmbus alone, in QEMU'
	@echo
	@echo 'More: tools/lab/lab --help, Documentation/'

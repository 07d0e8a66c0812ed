# rstmon. `make help` lists what there is; config.mk has what may be changed.
include config.mk

ifneq ($(CROSS),)
CC        := $(CROSS)gcc$(if $(SYSROOT), --sysroot=$(SYSROOT))
LD        := $(CROSS)ld
endif
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
PKG_CONFIG := $(if $(SYSROOT),PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
	PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(MULTIARCH)/pkgconfig:$(SYSROOT)/usr/share/pkgconfig) pkg-config
WARN      := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) $(CLI_PKGS) 2>/dev/null)
CPPFLAGS  += -D_GNU_SOURCE -Iinclude -I. -I$(B) $(PKG_CFLAGS)
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS) $(CPPFLAGS) -MMD -MP
BPF_SYSTEM := $(if $(SYSROOT),-nostdlibinc -isystem $(SYSROOT)/usr/include) \
	-idirafter $(SYSROOT)/usr/include/$(MULTIARCH)
LIBS      := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
CLI_LIBS  := $(shell $(PKG_CONFIG) --libs $(CLI_PKGS) 2>/dev/null)

objects = $(patsubst %.c,$(B)/%.o,$(wildcard $(1)/*.c))
COMMON := $(call objects,common)
DAEMON := $(call objects,daemon) $(B)/daemon/interface_text.o
CLI    := $(call objects,cli)
UNIT   := $(patsubst %.c,$(B)/%.o,$(wildcard tests/unit/*.c tests/unit/*/*.c))
LIVE   := $(call objects,tests/live)
FUZZ   := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
not_main = $(filter-out %/main.o,$(1))

V   ?= 0
msg  = @printf '  %-8s %s\n' "$(1)" "$(2)";
ifeq ($(V),1)
msg  =
endif

.PHONY: all help run check deps test-deps unit golden input pipelines live survive vm vm-package check-kernels check-arm64 bench lab lint fuzz asan arm64 install \
	deb check-package clean
.DELETE_ON_ERROR:
.SECONDARY:

PAGES7 := $(B)/rstmon-causes.7 $(B)/rstmon-varlink.7
# "completion SHELL PROGRAM" writes completions/NAME: each shell looks for a name of its own.
COMPLETIONS := $(patsubst %,$(B)/completions/%,rstmon.bash rstmond.bash _rstmon _rstmond rstmon.fish rstmond.fish)

all: needs $(B)/rstmond $(B)/rstmon $(PAGES7) $(B)/rstmon.catalog $(COMPLETIONS)

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1	/p' Makefile

# ---- building ----

# A missing dependency is named with the package that has it.
.PHONY: needs
needs:
	@SYSROOT=$(SYSROOT) PKG_CONFIG='$(PKG_CONFIG)' tests/check/needs.sh "$(CC)" "$(CLANG)" "$(BPFTOOL)"

# No register and no type of a machine is in these, and no directory: the object is the same, to the byte, for each.
$(B)/bpf/%.o: bpf/%.bpf.c | needs
	@mkdir -p $(@D)
	$(call msg,BPF,$@)$(CLANG) -g -O2 -Wall -Werror -target bpf -mcpu=v3 -Iinclude -Ibpf \
		-ffile-prefix-map=$(CURDIR)=. $(BPF_SYSTEM) -MMD -MP -c $< -o $@

$(B)/rstmon.bpf.o: $(B)/bpf/rstmon.o $(B)/bpf/owners.o $(B)/bpf/names.o $(B)/bpf/packets.o \
		$(B)/bpf/passive.o $(B)/bpf/extras.o
	$(call msg,LINK,$@)$(BPFTOOL) gen object $@ $^

$(B)/%.skel.h: $(B)/%.bpf.o
	$(call msg,SKEL,$@)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(patsubst %.c,$(B)/%.o,$(wildcard daemon/source_bpf*.c tests/unit/daemon/source_bpf*.c)): $(B)/rstmon.skel.h

# The interface description is served as it stands in the tree.
$(B)/daemon/interface_text.o: daemon/io.rstmon.varlink | needs
	@mkdir -p $(@D)
	$(call msg,EMBED,$@)$(LD) -r -b binary -z noexecstack -o $@ $<

$(B)/%.o: %.c | needs
	@mkdir -p $(@D)
	$(call msg,CC,$@)$(CC) $(ALL_CFLAGS) -c $< -o $@

$(B)/rstmond: $(DAEMON) $(COMMON)
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/rstmon: $(CLI) $(COMMON)
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CLI_LIBS)

# The texts of the causes stand in one table: what people read of them is made of it.
$(B)/causes: $(B)/man/causes.o $(COMMON)
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

# It runs here: a cross build takes that of the build before it.
CAUSES ?= $(B)/causes

$(B)/rstmon-causes.7: $(CAUSES)
	$(call msg,MAN,$@)$(CAUSES) man > $@

# What is called over the socket is told by the description that the socket itself gives.
$(B)/rstmon-varlink.7: man/varlink.awk daemon/io.rstmon.varlink man/rstmon-varlink.7.in
	@mkdir -p $(@D)
	$(call msg,MAN,$@)awk -f $^ > $@

$(B)/rstmon.catalog: systemd/rstmon.catalog.in $(CAUSES)
	$(call msg,CATALOG,$@)$(CAUSES) catalog < $< > $@

# What shells complete is made of the tables that parsers and help are made of.
$(B)/completion: $(B)/man/completion.o $(call not_main,$(CLI)) $(COMMON)
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CLI_LIBS)

COMPLETION ?= $(B)/completion

complete = @mkdir -p $(@D); [ "$(V)" = 1 ] || printf '  %-8s %s\n' COMPLETE $@; \
	$(COMPLETION) $(1) $(2) < man/completion/completion.$(1) > $@

$(B)/completions/%.bash: man/completion/completion.bash $(COMPLETION)
	$(call complete,bash,$*)

$(B)/completions/_%: man/completion/completion.zsh $(COMPLETION)
	$(call complete,zsh,$*)

$(B)/completions/%.fish: man/completion/completion.fish $(COMPLETION)
	$(call complete,fish,$*)

# ---- the two commands of the README ----

# What is installed changes what this file finds out at its start: hence a make of its own.
run: deps ## build and run in the foreground, a line per reset
	@$(MAKE) --no-print-directory all
	@mkdir -p /run/rstmon
	@exec $(B)/rstmond --log none --print

check: test-deps ## all tests that this kernel allows
	@tests/check/install.sh $(KERNEL_PACKAGES) $(DEB_PACKAGES) lintian blhc
	@tests/lab/install.sh $(PIPELINE_PACKAGES)
	@$(MAKE) --no-print-directory all $(B)/unit $(B)/poke $(B)/live $(B)/labtool \
		$(B)/supervisor $(B)/load
	@tests/check/run.sh $(B)

deps:
	@tests/check/install.sh $(BUILD_PACKAGES)

test-deps:
	@tests/check/install.sh $(BUILD_PACKAGES) $(TEST_PACKAGES)

# ---- tests ----

$(B)/unit: $(UNIT) $(call not_main,$(DAEMON)) $(call not_main,$(CLI)) $(COMMON)
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) $(CLI_LIBS) -lcriterion

unit: $(B)/unit ## unit tests
	@$(B)/unit --full-stats

golden: $(B)/rstmond ## recordings in, JSON out
	@tests/golden/run.sh $(B)

$(B)/live: $(LIVE) $(B)/tests/bench/packets.o $(COMMON)
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcriterion -lpthread

# Raw bytes to the socket, for the tests of bad input.
$(B)/poke: $(B)/tests/check/poke.o $(COMMON)
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

input: all $(B)/poke ## bad input against the real programs
	@tests/check/input.sh $(B)

live: all $(B)/live ## real resets on this kernel; needs root
	@RSTMOND=$(B)/rstmond RSTMON=$(B)/rstmon $(B)/live -j1

$(B)/flood: $(B)/tests/bench/flood.o $(B)/tests/bench/packets.o $(COMMON)
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/stages: $(B)/tests/bench/stages.o $(B)/tests/bench/stages_records.o \
		$(call not_main,$(DAEMON)) $(COMMON)
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Stands in for PID 1, and the load under which the daemon is killed.
SURVIVE := $(filter-out %/load.o,$(call objects,tests/survive))
$(B)/supervisor: $(SURVIVE)
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/load: $(B)/tests/survive/load.o $(B)/tests/bench/packets.o
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

survive: all $(B)/supervisor $(B)/load ## kills, restarts, upgrades under load; needs root
	@tests/survive/run.sh $(B)

vm: all $(B)/load ## the same under real systemd, in a virtual machine; KERNELS='PACKAGE/SUITE ...'
	@tests/check/install.sh $(BUILD_PACKAGES) $(VM_PACKAGES)
	@tests/vm/run.sh $(B) $(KERNELS)

vm-package: all $(B)/load $(B)/labtool ## the package under real systemd: installed, rebooted, upgraded, purged; KERNELS=PACKAGE/SUITE
	@tests/check/install.sh $(BUILD_PACKAGES) $(VM_PACKAGES)
	@DEB_BUILD_OPTIONS=nocheck $(MAKE) --no-print-directory deb
	@tests/vm/package.sh $(B) $(B)/deb/rstmon_[0-9]*_amd64.deb $(KERNELS)

check-kernels: test-deps ## the core tests on each kernel from 5.10 on, one matrix; KERNELS='5.10 here'
	@tests/check/install.sh $(KERNEL_PACKAGES)
	@$(MAKE) --no-print-directory all $(B)/live $(B)/labtool
	@tests/kernels/run.sh $(B) $(KERNELS)

# The same for another architecture. Only texts and completions are made by programs that run here.
A := $(abspath $(B))-arm64
arm64: ## rstmond, rstmon and the core tests for arm64, in build-arm64
	@tests/check/install.sh $(BUILD_PACKAGES) $(ARM64_PACKAGES)
	@$(MAKE) --no-print-directory $(CAUSES) $(COMPLETION)
	@tests/kernels/sysroot.sh $(A)/sysroot arm64 $(ARM64_SYSROOT) $(ARM64_GUEST)
	@$(MAKE) --no-print-directory B=$(A) CROSS=aarch64-linux-gnu- SYSROOT=$(A)/sysroot \
		CAUSES=$(abspath $(CAUSES)) COMPLETION=$(abspath $(COMPLETION)) all $(A)/live $(A)/labtool $(A)/load

check-arm64: arm64 ## the core tests on a kernel for arm64; KERNELS='NAME=PACKAGE/SUITE'
	@tests/check/install.sh $(KERNEL_PACKAGES) $(ARM64_KERNEL_PACKAGES)
	@$(MAKE) --no-print-directory $(B)/rstmon.bpf.o
	@tests/kernels/arm64.sh $(B) $(KERNELS)

$(B)/hookcost: $(B)/tests/bench/hookcost.o
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/latency: $(B)/tests/bench/latency.o $(B)/tests/bench/packets.o
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/fill: $(B)/tests/bench/fill.o $(call not_main,$(DAEMON)) $(COMMON)
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/tests/bench/empty.bpf.o: tests/bench/empty.bpf.c | needs
	@mkdir -p $(@D)
	$(call msg,BPF,$@)$(CLANG) -g -O2 -Wall -Werror -target bpf -mcpu=v3 \
		$(BPF_SYSTEM) -c $< -o $@

$(B)/empty: $(B)/tests/bench/empty.o | $(B)/tests/bench/empty.bpf.o
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/toggle: $(B)/tests/bench/toggle.o | $(B)/tests/bench/empty.bpf.o
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

BENCH_TOOLS := flood stages empty toggle hookcost latency fill supervisor load
bench: ## what rstmon costs
	@tests/lab/install.sh $(BUILD_PACKAGES) $(BENCH_PACKAGES)
	@$(MAKE) --no-print-directory all $(BENCH_TOOLS:%=$(B)/%)
	@tests/bench/run.sh $(B)

# gcc's UBSan takes no log_path and exits with 0 unless it must not go on.
SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
asan: ## unit and golden tests under ASan and UBSan
	@$(MAKE) --no-print-directory B=$(B)-asan CFLAGS='$(SANITIZE)' $(B)-asan/unit $(B)-asan/rstmond
	@tests/check/sanitize.sh $(B)-asan

$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(call not_main,$(DAEMON)) $(COMMON)
	@mkdir -p $(@D)
	$(call msg,LINK,$@)$(CC) $(CFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

FUZZ_FLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all
fuzz: ## a minute for each parser
	@tests/check/install.sh $(BUILD_PACKAGES) $(FUZZ_PACKAGES)
	@$(MAKE) --no-print-directory B=$(B)-fuzz CC=$(CLANG) CFLAGS='$(FUZZ_FLAGS)' \
		$(FUZZ:%=$(B)-fuzz/fuzz/%)
	@tests/fuzz/run.sh $(B)-fuzz

$(B)/labtool: $(call objects,tests/lab)
	$(call msg,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

lab: ## resets whose cause is known, by real software too, and what rstmond says of them
	@tests/lab/install.sh $(BUILD_PACKAGES) $(LAB_PACKAGES)
	@$(MAKE) --no-print-directory all $(B)/labtool
	@tests/lab/run.sh $(B)

pipelines: all ## metrics and log lines in real monitoring software; needs root; PIPELINES='prometheus'
	@tests/lab/install.sh $(BUILD_PACKAGES) $(PIPELINE_PACKAGES)
	@tests/pipelines/run.sh $(B)

lint: ## layers, scripts, man pages, unit files
	@tests/check/lint.sh $(B)

# ---- installing ----

# What names a program names it where it will be.
at_prefix = sed 's!/usr/\(sbin/rstmond\|bin/rstmon\)\>!$(PREFIX)/\1!g'

install: all ## to DESTDIR and PREFIX
	install -Dm755 $(B)/rstmond $(DESTDIR)$(PREFIX)/sbin/rstmond
	install -Dm755 $(B)/rstmon $(DESTDIR)$(PREFIX)/bin/rstmon
	for unit in rstmond.service rstmond.socket rstmon-exporter.service; do \
		[ -r systemd/$$unit ] && $(at_prefix) systemd/$$unit | install -Dm644 /dev/stdin $(DESTDIR)$(UNITDIR)/$$unit || exit 1; \
	done
	install -Dm644 systemd/rstmon.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/rstmon.conf
	install -Dm644 $(B)/rstmon.catalog $(DESTDIR)$(PREFIX)/lib/systemd/catalog/rstmon.catalog
	install -Dm644 systemd/90-rstmon.preset $(DESTDIR)$(PREFIX)/lib/systemd/system-preset/90-rstmon.preset
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man1 man/rstmon.1
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man5 man/rstmond.conf.5
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man7 $(PAGES7) man/rstmon-log.7
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man8 man/rstmond.8
	for program in rstmon rstmond; do \
		install -Dm644 $(B)/completions/$$program.bash $(DESTDIR)$(BASHCOMPDIR)/$$program && \
		install -Dm644 -t $(DESTDIR)$(ZSHCOMPDIR) $(B)/completions/_$$program && \
		install -Dm644 -t $(DESTDIR)$(FISHCOMPDIR) $(B)/completions/$$program.fish || exit 1; \
	done
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/doc/rstmon/examples systemd/rstmond-packets.conf
	find contrib -type f 2>/dev/null | while read -r file; do \
		mode=644; [ ! -x "$$file" ] || mode=755; \
		[ -r "$$file" ] && $(at_prefix) "$$file" | \
			install -Dm$$mode /dev/stdin "$(DESTDIR)$(PREFIX)/share/doc/rstmon/examples/$${file#contrib/}" || exit 1; \
	done
	install -d $(DESTDIR)$(SYSCONFDIR)/rstmon/rstmond.conf.d
	$(B)/rstmond --print-config=defaults > $(B)/rstmond.conf
	[ -e $(DESTDIR)$(SYSCONFDIR)/rstmon/rstmond.conf ] || \
		install -m644 $(B)/rstmond.conf $(DESTDIR)$(SYSCONFDIR)/rstmon/rstmond.conf

deb: ## a Debian package, in build/deb
	@tests/check/install.sh $(BUILD_PACKAGES) $(DEB_PACKAGES)
	@debian/make-deb.sh $(B)

check-package: ## the package: reproducible, lintian, what is in it, install, upgrade, purge; needs root
	@tests/check/install.sh $(BUILD_PACKAGES) $(DEB_PACKAGES) $(PACKAGE_PACKAGES)
	@tests/package/run.sh $(B)

clean:
	rm -rf $(B) $(B)-asan $(B)-fuzz $(A)

-include $(shell find $(B) -path $(B)/sysroot -prune -o -name '*.d' -type f -print 2>/dev/null)

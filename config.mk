# What a packager or a developer may want to change; all of it can be given on make's command line.
PREFIX     ?= /usr
SYSCONFDIR ?= /etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system
# Where bash-completion, zsh and fish of Debian look; zsh's place for what is no package's has another name
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR  ?= $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d
B          ?= build
CC         ?= gcc
# A cross build: the prefix of compiler and linker, and where the libraries of that machine are unpacked.
CROSS      ?=
SYSROOT    ?=
CLANG      ?= clang
BPFTOOL    ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/bin/bpftool) bpftool)
CFLAGS     ?= -O2 -g
PKGS       := libbpf libelf zlib libsystemd json-c inih
CLI_PKGS   := json-c smartcols libmicrohttpd

# Debian packages: what a build needs, and what the tests need besides.
BUILD_PACKAGES := build-essential pkg-config clang llvm libbpf-dev libelf-dev zlib1g-dev bpftool \
                  libsystemd-dev libjson-c-dev libsmartcols-dev libinih-dev uthash-dev \
                  libmicrohttpd-dev
TEST_PACKAGES  := libcriterion-dev iproute2 nftables curl mandoc systemd rsyslog shellcheck clang-format \
                  jq procps util-linux bash-completion zsh fish socat codespell
# With them the build of the package runs the unit tests.
DEB_PACKAGES   := debhelper dpkg-dev libcriterion-dev libmicrohttpd-dev systemd
PACKAGE_PACKAGES := autopkgtest blhc lintian mmdebstrap jq curl
BENCH_PACKAGES := iproute2 jq procps util-linux tcpdump bpftrace strace nginx-light wrk redis-server \
                  redis-tools
# gcc and ld for arm64, and what is taken from that architecture's suite and unpacked, not installed.
ARM64_PACKAGES := gcc-aarch64-linux-gnu
ARM64_SYSROOT  := libc6-dev libbpf-dev libelf-dev zlib1g-dev libsystemd-dev libjson-c-dev \
                  libsmartcols-dev libinih-dev uthash-dev libmicrohttpd-dev libcriterion-dev
# and what its guest runs
ARM64_GUEST    := busybox-static bash dash coreutils util-linux iproute2 nftables jq
ARM64_KERNEL_PACKAGES := qemu-system-arm
VM_PACKAGES    := qemu-system-x86 mmdebstrap e2fsprogs cpio kmod xz-utils zstd
KERNEL_PACKAGES := qemu-system-x86 cpio busybox-static kmod xz-utils zstd
# What tests/pipelines feeds; nothing of it starts when it is installed.
# syslog-ng cannot be installed beside rsyslog: it is unpacked, and only its libraries are installed.
PIPELINE_PACKAGES := curl iproute2 jq prometheus prometheus-node-exporter rsyslog libivykis0 libnet1 libpcre3 libwrap0 \
                     libcap2 libglib2.0-0
FUZZ_PACKAGES  := libclang-rt-dev
LAB_PACKAGES   := jq nftables iproute2 procps util-linux curl libtomcat10-java default-jdk-headless \
                  nginx-light haproxy apache2-bin redis-server postgresql nodejs

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the running kernel can do, each found by asking or trying: distributions carry pieces of newer kernels
 * back, so a version number proves nothing.
 */
#ifndef DAEMON_SOURCE_BPF_FEATURES_H
#define DAEMON_SOURCE_BPF_FEATURES_H

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rstmon/event.h"

struct bpf_features {
	bool fetch_atomics;
	bool storage;
	bool sock_from_file;
	bool iter_d_path;
	bool task_btf;
	bool guard;
	bool unprivileged_use; /* what is loaded can be used without a capability */
	bool trampolines; /* fentry and fexit can be loaded and attached */
	bool passive4;	  /* the kernel's tcp_v4_send_reset() can be hooked, with trampolines */
	bool passive6;
	int cast;	  /* BTF number of bpf_rdonly_cast(), 0: not there */
	uint8_t send_reset_args; /* of the tracepoint: 2, since 6.10 three; 0: not there */
	uint8_t kfree_skb_args;
	uint8_t tcp_reset_args; /* of functions; 0: not there, or without BTF */
	uint8_t accept_args;
	uint32_t no_socket_reason; /* ~0: none */
	char trampolines_why[96];  /* "" with trampolines */
};

/*
 * Asks 'kernel', which is the running kernel's BTF, and tries what BTF does not tell. 'without' names features that
 * are to be treated as absent, separated by spaces (for tests: an old kernel's paths on a new one), or is
 * NULL; an unknown name is -EINVAL.
 */
int bpf_features_find(const struct btf *kernel, const char *without, struct bpf_features *ret);

/* The names that 'without' takes, by number; NULL after the last. And whether the feature is there. */
const char *bpf_features_name(unsigned int i);
bool bpf_features_has(const struct bpf_features *f, unsigned int i);

/* It takes loading a program to find out: without the right to, nothing is known. */
bool bpf_features_is_tried(unsigned int i);

/* The function type of a tracepoint, as its programs of BTF get it; NULL: the kernel does not have it. */
const struct btf_type *bpf_features_tracepoint(const struct btf *kernel, const char *name);

/* What the programs are told. */
void bpf_features_configure(const struct bpf_features *f, struct rst_config *config);

/*
 * Between open and load: puts in the calls that only a BTF number can name, and stamps out what an old verifier
 * refuses even where it is never reached. -ENOMEM, or libbpf's refusal.
 */
int bpf_features_fit(const struct bpf_features *f, struct bpf_object *object);

#endif

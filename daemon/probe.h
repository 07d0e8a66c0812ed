/* SPDX-License-Identifier: GPL-2.0-only */
/* What --probe prints: what this kernel allows, and what follows from what it does not. Pure. */
#ifndef DAEMON_PROBE_H
#define DAEMON_PROBE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "daemon/source_bpf_probe.h"

/* All hooks that are required are attached. */
bool probe_good(const struct bpf_probe *p);

/* NULL: no memory. */
struct json_object *probe_json(const struct bpf_probe *p);

/* A table: hook, wanted, got, consequence; before it what was found of the kernel. */
void probe_text(const struct bpf_probe *p, FILE *f);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Preloaded into rstmond in a virtual machine whose kernel refuses it: all that libbpf and the
 * verifier say goes to stderr. It must change nothing else. Used by guest.sh.
 */
#include "common/util.h"

#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <stdarg.h>

static int print(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	return vfprintf(stderr, format, args);
}

/* In the place of libbpf's: whatever the program asks for, it gets the one above. */
libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn)
{
	libbpf_print_fn_t (*real)(libbpf_print_fn_t) = dlsym(RTLD_NEXT, "libbpf_set_print");

	(void)fn;
	return real ? real(print) : NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guard.c - loads the guard's rules, through libnftables
 *
 * The library is opened when it is needed, which is once after a boot: with the six
 * others that it brings along it would take a fifth of every hook's time.
 */
/* syscalls: capget */
#include "guard/guard.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/capability.h>
#include <nftables/libnftables.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LIBRARY "libnftables.so.1"

/* What we call of it. */
typedef struct Library {
	__typeof__(nft_ctx_new) *new;
	__typeof__(nft_ctx_free) *free;
	__typeof__(nft_ctx_buffer_output) *buffer_output;
	__typeof__(nft_ctx_buffer_error) *buffer_error;
	__typeof__(nft_ctx_get_error_buffer) *get_error;
	__typeof__(nft_run_cmd_from_buffer) *run;
} Library;

static bool find(void *library, const char *name, void *function)
{
	void *found = dlsym(library, name);

	/* POSIX: a function's address fits into that of an object (dlsym(3)) */
	memcpy(function, &found, sizeof(found));
	return found;
}

/* False: dlerror() tells why. It stays open. */
static bool open_library(Library *nft)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	return library && find(library, "nft_ctx_new", &nft->new) &&
	       find(library, "nft_ctx_free", &nft->free) &&
	       find(library, "nft_ctx_buffer_output", &nft->buffer_output) &&
	       find(library, "nft_ctx_buffer_error", &nft->buffer_error) &&
	       find(library, "nft_ctx_get_error_buffer", &nft->get_error) &&
	       find(library, "nft_run_cmd_from_buffer", &nft->run);
}

/* Of the kernel's error numbers nft tells the words alone. */
static int errno_of(const char *text)
{
	static const int known[] = { EPERM,  ENOENT,	 EEXIST, EBUSY,
				     ENOMEM, EOPNOTSUPP, ENODEV };

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (strstr(text, g_strerror(known[i])))
			return known[i];
	return EINVAL;
}

/* "internal:0:0-0: Error: Could not process rule: No such file or directory", and
 * then a picture of where. */
static char *first_line(const char *text)
{
	const char *words = strstr(text, "Error: ");

	/* in a file of the site's its name and the place are what helps */
	if (!words || *text == '/')
		words = text;
	else
		words += strlen("Error: ");
	return g_strndup(words, strcspn(words, "\n"));
}

/* libnftables tells who may not on standard error, which is not ours to write to. */
static bool may_change(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 &&
	       data[0].effective & CAP_TO_MASK(CAP_NET_ADMIN);
}

void l3vm_guard_prepare(void)
{
	Library nft;

	open_library(&nft);
}

int l3vm_guard_load(char **text)
{
	struct nft_ctx *ctx;
	const char *errors;
	Library nft;
	int result = 0;

	if (!may_change()) {
		*text = g_strdup(g_strerror(EPERM));
		return EPERM;
	}
	if (!open_library(&nft)) {
		*text = g_strdup(dlerror());
		return ELIBACC;
	}
	ctx = nft.new(NFT_CTX_DEFAULT);
	if (!ctx || nft.buffer_output(ctx) || nft.buffer_error(ctx))
		g_error("out of memory");
	if (nft.run(ctx, l3vm_guard_rules)) {
		errors = nft.get_error(ctx);
		*text = first_line(errors);
		result = errno_of(errors);
	}
	nft.free(ctx);
	return result;
}

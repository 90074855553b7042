/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guard.c - makes changes to the guard, through libnftables
 *
 * libnftables takes text and gives text. What goes in is made of numbers and
 * addresses only (model/guard.c). Before it adds an element it reads the names of
 * all sets, but the elements of none: our only ranges are concatenations. So a
 * port costs the same beside ten thousand others.
 */
#include "guard/guard.h"

#include <errno.h>
#include <linux/capability.h>
#include <nftables/libnftables.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct L3vmGuard {
	struct nft_ctx *nft;
};

L3vmGuard *l3vm_guard_new(void)
{
	L3vmGuard *guard = g_new(L3vmGuard, 1);

	guard->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!guard->nft || nft_ctx_buffer_output(guard->nft) ||
	    nft_ctx_buffer_error(guard->nft))
		g_error("out of memory");
	return guard;
}

void l3vm_guard_free(L3vmGuard *guard)
{
	if (!guard)
		return;
	nft_ctx_free(guard->nft);
	g_free(guard);
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

int l3vm_guard_run(L3vmGuard *guard, const char *commands, char **text)
{
	const char *errors;

	if (!may_change()) {
		*text = g_strdup(g_strerror(EPERM));
		return EPERM;
	}
	if (nft_run_cmd_from_buffer(guard->nft, commands) == 0)
		return 0;
	errors = nft_ctx_get_error_buffer(guard->nft);
	*text = first_line(errors);
	return errno_of(errors);
}

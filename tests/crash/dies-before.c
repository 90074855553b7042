/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dies-before.c - dies-before N FILE COMMAND...: runs a program that is killed before
 * its N-th change (0: the first), and then ends with 137 as a shell would. Otherwise
 * it ends as the program does, and FILE gets how many changes there were. What the
 * program has started dies with it.
 */
#include "../contract/killer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLED 137

int main(int argc, char **argv)
{
	unsigned made;
	int status;
	pid_t child;
	FILE *out;

	if (argc < 4)
		return 2;
	child = fork();
	if (child == 0) {
		if (killer_expose())
			execv(argv[3], argv + 3);
		_exit(77);
	}
	if (child < 0)
		return 77;
	if (killer_watch(child, (unsigned)strtoul(argv[1], NULL, 10), &made, &status))
		return KILLED;
	out = fopen(argv[2], "w");
	if (!out || fprintf(out, "%u\n", made) < 0 || fclose(out))
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hook.c - libvirt's qemu hook with 64 interfaces and with none
 *
 *     hook [ROUNDS]
 *
 * The XML is one that libvirt passed to a hook ($BENCH_XML, with one interface
 * and its metadata), that interface and its metadata repeated or taken out.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS	     40
#define WARM_UP	     3
#define INTERFACES   64
/* parsing alone takes a millisecond: many runs cost little */
#define PARSE_ROUNDS 400

#define FIRST_GUEST 300000

static char *read_template(void)
{
	g_autoptr(GError) error = NULL;
	char *text;

	if (!g_file_get_contents(bench_env("BENCH_XML"), &text, NULL, &error))
		bench_die("%s", error->message);
	return text;
}

/* @text with @from as @to, which it must contain. */
static char *replaced(const char *text, const char *from, const char *to)
{
	g_auto(GStrv) parts = g_strsplit(text, from, -1);

	if (!parts[1])
		bench_die("$BENCH_XML has no %s", from);
	return g_strjoinv(to, parts);
}

/* The part from @begin to the end of @end; what is before and after it. */
static char *cut(const char *text, const char *begin, const char *end, char **before,
		 char **after)
{
	const char *start = strstr(text, begin);
	const char *stop = start ? strstr(start, end) : NULL;

	if (!stop)
		bench_die("$BENCH_XML has no %s", begin);
	stop += strlen(end);
	*before = g_strndup(text, (gsize)(start - text));
	*after = g_strdup(stop);
	return g_strndup(start, (gsize)(stop - start));
}

static char *interface_of(const char *template, const BenchGuest *guest)
{
	g_autofree char *text = replaced(template, "02:00:0a:00:00:05", guest->mac);

	return replaced(text, "tapvm1", guest->ifname);
}

static char *metadata_of(const char *template, const BenchGuest *guest)
{
	g_autofree char *mac = replaced(template, "02:00:0a:00:00:05", guest->mac);
	g_autofree char *text = replaced(mac, ">10.0.0.5<", ">@4<");
	g_autofree char *both = replaced(text, "2001:db8::5", guest->address6);

	return replaced(both, "@4", guest->address4);
}

/* The template with @n interfaces, those of the guests from @first on. */
static char *domain_xml(const char *template, unsigned first, unsigned n)
{
	g_autofree char *head = NULL, *middle = NULL, *rest = NULL, *tail = NULL;
	g_autofree char *nic = cut(template, "<l3vm:nic", "</l3vm:nic>", &head, &rest);
	g_autofree char *interface = cut(rest, "<interface", "</interface>", &middle,
					 &tail);
	g_autoptr(GString) nics = g_string_new(NULL);
	g_autoptr(GString) interfaces = g_string_new(NULL);

	for (unsigned i = 0; i < n; i++) {
		BenchGuest guest = bench_guest(first + i);
		g_autofree char *a = metadata_of(nic, &guest);
		g_autofree char *b = interface_of(interface, &guest);

		g_string_append(nics, a);
		g_string_append(interfaces, b);
	}
	return g_strconcat(head, nics->str, middle, interfaces->str, tail, NULL);
}

/* The document in a file, as a domain that no other run had. */
static char *write_xml(const char *xml, unsigned number)
{
	g_autofree char *uuid = g_strdup_printf("11111111-2222-3333-4444-%012u",
						number);
	g_autofree char *text = replaced(xml, "11111111-2222-3333-4444-000000000001",
					 uuid);
	g_autofree char *name = g_strdup_printf("domain%u.xml", number);
	char *path = g_build_filename(bench_env("BENCH_SCRATCH"), name, NULL);
	g_autoptr(GError) error = NULL;

	if (!g_file_set_contents(path, text, -1, &error))
		bench_die("%s", error->message);
	return path;
}

static BenchTime run_hook(const char *operation, const char *sub, const char *path)
{
	const char *const argv[] = {
		bench_env("BENCH_HOOK"), "vm1", operation, sub, "-", NULL
	};

	return bench_spawn(argv, path);
}

/* One guest's life: its hooks in libvirt's order. */
static void live(const char *template, unsigned round, GArray *const samples[])
{
	unsigned first = FIRST_GUEST + round * INTERFACES;
	g_autofree char *xml = domain_xml(template, first, INTERFACES);
	g_autofree char *path = write_xml(xml, first);
	int taps[INTERFACES];

	bench_new_namespace();
	bench_samples_add(samples[0], run_hook("prepare", "begin", path));
	for (unsigned i = 0; i < INTERFACES; i++) {
		BenchGuest guest = bench_guest(first + i);

		taps[i] = bench_tap_add(guest.ifname);
	}
	bench_samples_add(samples[1], run_hook("start", "begin", path));
	bench_samples_add(samples[2], run_hook("started", "begin", path));
	bench_samples_add(samples[3], run_hook("stopped", "end", path));
	for (unsigned i = 0; i < INTERFACES; i++)
		bench_tap_release(taps[i]);
}

static void measure_lives(const char *template, unsigned rounds)
{
	static const char *const names[] = { "prepare", "start (all attaches)",
					     "started", "stopped (all detaches)" };
	GArray *samples[G_N_ELEMENTS(names)];

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		samples[i] = bench_samples_new();
	for (unsigned round = 0; round < WARM_UP + rounds; round++)
		live(template, round, samples);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_array_remove_range(samples[i], 0, WARM_UP);
		bench_row(names[i], samples[i]);
	}
	bench_limit("start", bench_median(samples[1]).wall / 1000, "ms", 20);
	bench_limit("started", bench_median(samples[2]).wall / 1000, "ms", 20);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		g_array_unref(samples[i]);
}

static void measure_parsing(const char *template, unsigned rounds)
{
	const char *const parse_only[] = { bench_env("BENCH_PARSE"), NULL };
	g_autofree char *xml = domain_xml(template, 0, 0);
	g_autofree char *path = write_xml(xml, 1);
	g_autoptr(GArray) hook = bench_samples_new();
	g_autoptr(GArray) parse = bench_samples_new();

	for (unsigned round = 0; round < WARM_UP + rounds; round++) {
		bench_samples_add(hook, run_hook("start", "begin", path));
		bench_samples_add(parse, bench_spawn(parse_only, path));
	}
	g_array_remove_range(hook, 0, WARM_UP);
	g_array_remove_range(parse, 0, WARM_UP);
	bench_row("l3vm-libvirt-qemu", hook);
	bench_row("process that only parses", parse);
	bench_limit_ratio("hook / parser", hook, parse, 1.5);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : ROUNDS;
	g_autofree char *template = read_template();

	bench_title("qemu hook of a domain with 64 interfaces, 128 addresses");
	measure_lives(template, rounds);
	bench_title("qemu hook of a domain without interfaces");
	measure_parsing(template, rounds * (PARSE_ROUNDS / ROUNDS));
	return bench_status();
}

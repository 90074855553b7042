/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyfile.c - key files whose errors name file, line and the nearest known word */
#include "store/keyfile.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_LIMIT (1024 * 1024)

/* --- errors ------------------------------------------------------------- */

/* FILE:LINE: is what editors and compilers' users jump to. */
static bool fail_at(const L3vmKeyFile *file, unsigned line, GError **error,
		    const char *text)
{
	/* most have a remedy of their own: the nearest word that is known */
	return l3vm_fail(error, L3VM_ERROR_FAILED, "%s:%u: %s%s", file->path, line,
			 text,
			 g_str_has_suffix(text, ")") ? "" : " (see l3vm.conf(5))");
}

bool l3vm_line_fail(const L3vmKeyFile *file, const L3vmKeyLine *line, GError **error,
		    const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	return fail_at(file, line->number, error, text);
}

bool l3vm_value_fail(const L3vmValue *value, GError **error, const char *format, ...)
{
	g_autofree char *why = NULL;
	const L3vmKeyLine *line = value->line;
	/* Who is used to other formats writes comments behind values. */
	const char *hint = strchr(value->text, '#')
				   ? " (comments stand on lines of their own)"
				   : "";
	va_list args;

	va_start(args, format);
	why = g_strdup_vprintf(format, args);
	va_end(args);
	return l3vm_line_fail(value->file, line, error, "%s = %.60s%s in [%s]: %s%s",
			      line->key, value->text,
			      strlen(value->text) > 60 ? "..." : "", line->group, why,
			      hint);
}

/* --- the nearest known word --------------------------------------------- */

/*
 * Levenshtein's distance, in one row: @row[j] is the distance of the first i
 * bytes of @a to the first j of @b.
 */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(b);
	g_autofree size_t *row = g_new(size_t, n + 1);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (; *a; a++) {
		size_t diagonal = row[0]++;

		for (size_t j = 1; j <= n; j++) {
			size_t replaced = diagonal + (*a != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(replaced, MIN(row[j - 1], row[j]) + 1);
		}
	}
	return row[n];
}

char *l3vm_did_you_mean(const char *word, const char *const *words, size_t n)
{
	const char *nearest = NULL;
	/* More than a third wrong is another word, not a slip of the fingers. */
	size_t best = MAX(strlen(word) / 3, 2) + 1;

	/* Nobody's slip; and the work grows with the square of the length. */
	if (strlen(word) > 64)
		return g_strdup("");
	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, words[i]);

		if (d < best && d < strlen(words[i])) {
			best = d;
			nearest = words[i];
		}
	}
	return nearest ? g_strdup_printf(" (did you mean \"%s\"?)", nearest)
		       : g_strdup("");
}

/* --- scanning ----------------------------------------------------------- */

static void clear_line(gpointer data)
{
	L3vmKeyLine *line = data;

	g_free(line->group);
	g_free(line->key);
}

static void add_line(L3vmKeyFile *file, const char *group, const char *key,
		     unsigned number)
{
	L3vmKeyLine line = { g_strdup(group), g_strdup(key), number };

	g_array_append_val(file->lines, line);
}

const L3vmKeyLine *l3vm_keyfile_line(const L3vmKeyFile *file, guint i)
{
	return &g_array_index(file->lines, L3vmKeyLine, i);
}

/* "[name]" in @text, cut in place; NULL if it is no such line. */
static char *group_in(char *text)
{
	size_t size = strlen(text);

	if (size < 3 || text[0] != '[' || text[size - 1] != ']' ||
	    strcspn(text + 1, "[]") != size - 2)
		return NULL;
	text[size - 1] = '\0';
	for (const char *c = text; *c; c++)
		if (g_ascii_iscntrl(*c))
			return NULL;
	return text + 1;
}

/*
 * @groups has the index of each section's line. A section's keys follow it up to
 * the next section, because none is there twice.
 */
static bool scan_group(L3vmKeyFile *file, char *text, unsigned number,
		       GHashTable *groups, GError **error)
{
	g_autofree char *why = NULL;
	char *name = group_in(text);
	gpointer earlier;

	if (!name)
		return fail_at(file, number, error,
			       "a section is written like [network web]");
	if (!g_hash_table_lookup_extended(groups, name, NULL, &earlier)) {
		g_hash_table_insert(groups, g_strdup(name), GUINT_TO_POINTER(number));
		add_line(file, name, NULL, number);
		return true;
	}
	why = g_strdup_printf(
		"section [%.80s] is there already in line %u (put all its "
		"keys into one)",
		name, GPOINTER_TO_UINT(earlier));
	return fail_at(file, number, error, why);
}

/* The line of @key in the section that is being scanned, or NULL. */
static const L3vmKeyLine *find_key(const L3vmKeyFile *file, const char *key)
{
	for (guint i = file->lines->len; i > 0; i--) {
		const L3vmKeyLine *line = l3vm_keyfile_line(file, i - 1);

		if (!line->key)
			break;
		if (!strcmp(line->key, key))
			return line;
	}
	return NULL;
}

static bool scan_key(L3vmKeyFile *file, char *text, unsigned number, GError **error)
{
	g_autofree char *why = NULL;
	const L3vmKeyLine *earlier;
	size_t size = strcspn(text, "=");

	/* GKeyFile passes over "key[de]", a key in a language. */
	if (!text[size] || !size || strcspn(text, "[]") < size)
		why = g_strdup_printf(
			"\"%.40s\" is no \"key = value\", no [section] and "
			"no # comment",
			text);
	else if (!file->lines->len)
		why = g_strdup("a key before the first [section]");
	if (why)
		return fail_at(file, number, error, why);
	text[size] = '\0';
	g_strchomp(text);
	earlier = find_key(file, text);
	if (!earlier) {
		guint last = file->lines->len - 1;

		add_line(file, l3vm_keyfile_line(file, last)->group, text, number);
		return true;
	}
	why = g_strdup_printf(
		"\"%.40s\" is there already in line %u (a list of values is "
		"separated by spaces)",
		text, earlier->number);
	return fail_at(file, number, error, why);
}

/* The same idea of a line as glib/gkeyfile.c:g_key_file_parse_line() has. */
static bool scan(L3vmKeyFile *file, const char *text, GError **error)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GHashTable)
		groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (unsigned i = 0; lines[i]; i++) {
		char *line = g_strstrip(lines[i]);
		bool ok = true;

		if (!g_utf8_validate(line, -1, NULL))
			return fail_at(file, i + 1, error, "is not UTF-8 text");
		if (line[0] == '[')
			ok = scan_group(file, line, i + 1, groups, error);
		else if (line[0] != '#' && line[0] != '\0')
			ok = scan_key(file, line, i + 1, error);
		if (!ok)
			return false;
	}
	return true;
}

/* --- loading ------------------------------------------------------------ */

/*
 * Up to one byte more than the limit; NULL with errno. Not by the size that
 * stat(2) tells: an editor may be writing the file at this moment.
 */
static char *read_fd(int fd, size_t *size)
{
	g_autofree char *text = g_malloc(SIZE_LIMIT + 2);
	ssize_t n = 1;

	for (*size = 0; n != 0 && *size <= SIZE_LIMIT; *size += (size_t)n) {
		n = read(fd, text + *size, SIZE_LIMIT + 1 - *size);
		if (n < 0)
			return NULL;
	}
	text[*size] = '\0';
	return g_steal_pointer(&text);
}

static char *read_text(const char *path, int fd, GError **error)
{
	g_autofree char *text = NULL;
	struct stat st;
	size_t size;

	/* A directory, a FIFO, a device: reading it might never end. */
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		l3vm_fail(error, L3VM_ERROR_FAILED,
			  "%s: is not a regular file (see l3vm.conf(5))", path);
		return NULL;
	}
	text = read_fd(fd, &size);
	if (!text)
		l3vm_fail_errno(error, errno, "%s: %s", path, g_strerror(errno));
	else if (size > SIZE_LIMIT)
		l3vm_fail(error, L3VM_ERROR_FAILED,
			  "%s: is larger than 1 MiB (see l3vm.conf(5))", path);
	else if (strlen(text) != size)
		l3vm_fail(error, L3VM_ERROR_FAILED,
			  "%s: has a NUL byte (it must be text)", path);
	else
		return g_steal_pointer(&text);
	return NULL;
}

/*
 * What the scan lets through GKeyFile should take too. Should they differ, then
 * GKeyFile's word counts: it is where the values come from.
 */
static bool parse(L3vmKeyFile *file, const char *text, GError **error)
{
	g_autoptr(GError) failure = NULL;

	if (!scan(file, text, error))
		return false;
	if (g_key_file_load_from_data(file->data, text, strlen(text), G_KEY_FILE_NONE,
				      &failure))
		return true;
	return l3vm_fail(error, L3VM_ERROR_FAILED, "%s: %s (see l3vm.conf(5))",
			 file->path, failure->message);
}

/*
 * Symbolic links are followed, unlike in the state directory: the file belongs to
 * the administrator, and configuration managers put links there.
 */
bool l3vm_keyfile_load(const char *path, L3vmKeyFile **file, GError **error)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	g_autoptr(L3vmKeyFile) made = NULL;
	g_autofree char *text = NULL;

	*file = NULL;
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0)
		return l3vm_fail_errno(error, errno, "%s: %s", path, g_strerror(errno));
	text = read_text(path, fd, error);
	close(fd);
	if (!text)
		return false;
	made = g_new0(L3vmKeyFile, 1);
	made->path = g_strdup(path);
	made->data = g_key_file_new();
	made->lines = g_array_new(FALSE, FALSE, sizeof(L3vmKeyLine));
	g_array_set_clear_func(made->lines, clear_line);
	if (!parse(made, text, error))
		return false;
	*file = g_steal_pointer(&made);
	return true;
}

void l3vm_keyfile_free(L3vmKeyFile *file)
{
	if (!file)
		return;
	g_free(file->path);
	g_key_file_unref(file->data);
	g_array_unref(file->lines);
	g_free(file);
}

/* --- reading ------------------------------------------------------------ */

/* "networks" and "network-web" are not of the kind "network". */
const char *l3vm_section_name(const char *group, const char *kind)
{
	size_t size = strlen(kind);

	if (strncmp(group, kind, size))
		return NULL;
	if (group[size] != '\0' && !g_ascii_isspace(group[size]))
		return NULL;
	for (group += size; g_ascii_isspace(*group); group++)
		;
	return group;
}

static const L3vmKeyReader *find_reader(const L3vmKeyReader *readers, size_t n,
					const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(readers[i].key, key))
			return &readers[i];
	return NULL;
}

/*
 * Most unknown keys are slips of the fingers, and most others keys of another
 * section; the first kind can be helped.
 */
static bool unknown_key(const L3vmKeyFile *file, const L3vmKeyLine *line,
			const L3vmKeyReader *readers, size_t n, GError **error)
{
	g_autofree const char **keys = g_new(const char *, n);
	g_autofree char *hint = NULL;

	for (size_t i = 0; i < n; i++)
		keys[i] = readers[i].key;
	hint = l3vm_did_you_mean(line->key, keys, n);
	return l3vm_line_fail(file, line, error, "unknown key \"%.80s\" in [%s]%s",
			      line->key, line->group, hint);
}

static bool read_line(const L3vmKeyFile *file, const L3vmKeyLine *line,
		      const L3vmKeyReader *reader, void *into, GError **error)
{
	g_autofree char *text = g_key_file_get_value(file->data, line->group, line->key,
						     NULL);
	L3vmValue value = { .file = file, .line = line };

	/* The scan and GKeyFile disagree about what a key is: refuse it. */
	if (!text)
		return l3vm_line_fail(file, line, error, "\"%.80s\" is no key",
				      line->key);
	value.text = g_strstrip(text);
	return reader->read(&value, (char *)into + reader->offset, error);
}

/*
 * In the order of the file, so that the first error told is the first to be seen
 * in it. The scan saw to it that the section's keys stand together.
 */
bool l3vm_keyfile_read(const L3vmKeyFile *file, const L3vmKeyLine *header,
		       const L3vmKeyReader *readers, size_t n, void *into,
		       GError **error)
{
	const L3vmKeyLine *end = l3vm_keyfile_line(file, file->lines->len);

	for (const L3vmKeyLine *line = header + 1; line < end && line->key; line++) {
		const L3vmKeyReader *reader = find_reader(readers, n, line->key);

		if (!reader)
			return unknown_key(file, line, readers, n, error);
		if (!read_line(file, line, reader, into, error))
			return false;
	}
	return true;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml.c - reading XML that tenants wrote parts of, by a table of rules
 *
 * Whoever may define a guest writes names, descriptions and metadata of what is
 * parsed here as root, while libvirt waits. So the least of XML that libvirt's
 * documents need is accepted, memory is bounded by the size of the document, and
 * time is linear in it.
 *
 * libxml2's SAX interface rather than its tree or its reader: a DOCTYPE is
 * reported when its name is read and before its internal subset is, so that an
 * entity bomb is refused before the first entity exists; and a domain without
 * interfaces costs next to nothing beyond the scan.
 *
 * The path of the element that is open is kept as text. Each element adds its
 * own name to it and nothing else (a namespace is one of few kinds, never its
 * URI), or a long URI and many short elements would make work out of nothing.
 */
#include "xml.h"

#include "hook.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>

/* libvirt's own documents are less than ten deep. libxml2 would stop at 256. */
#define MAX_DEPTH 64
#define PREFIX	  "l3vm:"

/* libxml2 gives five pointers for each attribute (startElementNsSAX2Func). */
enum {
	ATTR_NAME,
	ATTR_PREFIX,
	ATTR_URI,
	ATTR_VALUE,
	ATTR_END,
	ATTR_SIZE
};

/* Valid during the callback that got them: they point into libxml2's buffers. */
struct L3vmXmlAttributes {
	const xmlChar **values;
	int n;
};

typedef struct Element {
	size_t path_len; /* of the path up to and with this element */
	const L3vmXmlRule *rule;
	bool ours; /* of our namespace */
} Element;

typedef struct Reader {
	const L3vmXmlGrammar *grammar;
	void *data;
	xmlParserCtxt *parser;
	GString *path;
	GString *text; /* of the innermost element that has a text rule */
	Element stack[MAX_DEPTH];
	unsigned depth;
	unsigned skipped; /* depth inside an element of a foreign namespace */
	GError *error;
} Reader;

static const char *attribute_at(const L3vmXmlAttributes *attributes, int i, int what)
{
	return (const char *)attributes->values[i * ATTR_SIZE + what];
}

/* A value ends where the next begins, without a NUL: hence the copy. */
char *l3vm_xml_attribute(const L3vmXmlAttributes *attributes, const char *name)
{
	for (int i = 0; i < attributes->n; i++) {
		const char *value = attribute_at(attributes, i, ATTR_VALUE);
		const char *end = attribute_at(attributes, i, ATTR_END);

		if (!attribute_at(attributes, i, ATTR_PREFIX) &&
		    !strcmp(attribute_at(attributes, i, ATTR_NAME), name))
			return g_strndup(value, (gsize)(end - value));
	}
	return NULL;
}

static int line_of(const Reader *reader)
{
	return xmlSAX2GetLineNumber(reader->parser);
}

/*
 * Ends the reading with @error, which it takes; the first one counts. libxml2
 * may still deliver what it has in hand after xmlStopParser(), so the callbacks
 * look at reader->error first.
 */
static void stop(Reader *reader, GError *error)
{
	if (reader->error)
		g_error_free(error);
	else
		reader->error = error;
	xmlStopParser(reader->parser);
}

/* The same with a message about the line that was reached. */
static void refuse(Reader *reader, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void refuse(Reader *reader, const char *format, ...)
{
	g_autofree char *text = NULL;
	GError *error = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	l3vm_hook_fail(&error, L3VM_ERROR_USAGE, "line %d: %s", line_of(reader), text);
	stop(reader, error);
}

static const Element *innermost(const Reader *reader)
{
	return reader->depth ? &reader->stack[reader->depth - 1] : NULL;
}

/* A dozen rules and a few hundred elements: nothing that a table would speed up. */
static const L3vmXmlRule *find_rule(const Reader *reader)
{
	const L3vmXmlGrammar *grammar = reader->grammar;

	for (size_t i = 0; i < grammar->n_rules; i++)
		if (!strcmp(grammar->rules[i].path, reader->path->str))
			return &grammar->rules[i];
	return NULL;
}

typedef enum {
	NS_NONE, /* libvirt's own elements */
	NS_OURS,
	NS_OTHER_VERSION, /* of ours, which may mean anything */
	NS_FOREIGN,
	NS_UNDECLARED, /* a prefix that stands for nothing */
} Namespace;

/* An attribute without a prefix is in no namespace, whatever its element's
 * (Namespaces in XML 1.0, 6.2). */
static Namespace classify(const L3vmXmlGrammar *grammar, const char *prefix,
			  const char *uri)
{
	if (!uri)
		return prefix ? NS_UNDECLARED : NS_NONE;
	if (!grammar->ns || !g_str_has_prefix(uri, grammar->ns_family))
		return NS_FOREIGN;
	return strcmp(uri, grammar->ns) ? NS_OTHER_VERSION : NS_OURS;
}

/* What may stand where the element on top of the stack stands, for a message. */
static char *known_there(const Reader *reader)
{
	const char *slash = strrchr(reader->path->str, '/');
	size_t len = slash ? (size_t)(slash - reader->path->str) + 1 : 0;
	g_autoptr(GString) list = g_string_new(NULL);

	for (size_t i = 0; i < reader->grammar->n_rules; i++) {
		const char *path = reader->grammar->rules[i].path;

		if (!strncmp(path, reader->path->str, len) && !strchr(path + len, '/'))
			g_string_append_printf(list, "%s%s", list->len ? ", " : "",
					       path + len);
	}
	return g_string_free(g_steal_pointer(&list), FALSE);
}

/* An element within or of our namespace that no rule knows. */
static void refuse_element(Reader *reader, const char *name, Namespace ns)
{
	g_autofree char *full = g_strconcat(ns == NS_OURS ? PREFIX : "", name, NULL);
	g_autofree char *quoted = l3vm_hook_quote(full);
	g_autofree char *known = known_there(reader);

	if (ns == NS_NONE)
		refuse(reader,
		       "element %s: has no namespace (declare xmlns:l3vm=\"%s\" and "
		       "write l3vm:NAME)",
		       quoted, reader->grammar->ns);
	else
		refuse(reader, "element %s: not known in this place (known: %s)",
		       quoted, *known ? known : "nothing");
}

/*
 * The attributes of an element of ours: those of its rule and foreign ones. A
 * misspelt `mac` would otherwise make the addresses those of the only NIC.
 */
static bool check_attributes(Reader *reader, const char *element,
			     const L3vmXmlRule *rule,
			     const L3vmXmlAttributes *attributes)
{
	static const char *const none[] = { NULL };
	const char *const *known = rule->attributes ? rule->attributes : none;

	for (int i = 0; i < attributes->n; i++) {
		const char *name = attribute_at(attributes, i, ATTR_NAME);
		Namespace ns = classify(reader->grammar,
					attribute_at(attributes, i, ATTR_PREFIX),
					attribute_at(attributes, i, ATTR_URI));
		g_autofree char *quoted = NULL;
		g_autofree char *list = NULL;

		if (ns == NS_FOREIGN || (ns == NS_NONE && g_strv_contains(known, name)))
			continue;
		quoted = l3vm_hook_quote(name);
		list = g_strjoinv(", ", (char **)known);
		refuse(reader,
		       "attribute %s of " PREFIX
		       "%s: not known (it may have, without a prefix: %s)",
		       quoted, element, *list ? list : "none");
		return false;
	}
	return true;
}

/* A local name has no colon, so nothing but our namespace yields PREFIX. */
static void push(Reader *reader, const char *name, Namespace ns)
{
	Element *element = &reader->stack[reader->depth++];

	if (reader->path->len)
		g_string_append_c(reader->path, '/');
	if (ns == NS_OURS)
		g_string_append(reader->path, PREFIX);
	g_string_append(reader->path, name);
	element->path_len = reader->path->len;
	element->ours = ns == NS_OURS;
	element->rule = find_rule(reader);
}

/* The element on top of the stack has just been opened. */
static void enter(Reader *reader, const char *name, Namespace ns, bool within_ours,
		  const L3vmXmlAttributes *attributes)
{
	const Element *element = innermost(reader);
	const L3vmXmlRule *rule = element->rule;
	GError *error = NULL;

	if (!rule) {
		if (element->ours || within_ours)
			refuse_element(reader, name, ns);
		return;
	}
	if (rule->text)
		g_string_truncate(reader->text, 0);
	if (element->ours && !check_attributes(reader, name, rule, attributes))
		return;
	if (rule->start && !rule->start(reader->data, attributes, &error))
		stop(reader, error);
}

/*
 * The namespaces that no element may have, outside foreign ones. An undeclared
 * prefix is never libvirt's doing, and skipping the element as foreign would
 * lose addresses over a slip in the declaration.
 */
static bool check_namespace(Reader *reader, Namespace ns, const char *prefix,
			    const char *uri)
{
	g_autofree char *quoted = NULL;

	switch (ns) {
	case NS_NONE:
	case NS_OURS:
	case NS_FOREIGN:
		return true;
	case NS_OTHER_VERSION:
		quoted = l3vm_hook_quote(uri);
		refuse(reader,
		       "metadata of the namespace %s: this version of l3vm knows %s "
		       "only (upgrade l3vm on this host, or write the metadata in that "
		       "format)",
		       quoted, reader->grammar->ns);
		return false;
	case NS_UNDECLARED:
		quoted = l3vm_hook_quote(prefix);
		refuse(reader, "namespace prefix %s: not declared (add its xmlns:...)",
		       quoted);
		return false;
	}
	return false;
}

/* The two hooks have different XML, and links are easily mixed up. */
static bool check_root(Reader *reader, const char *name, Namespace ns)
{
	g_autofree char *quoted = l3vm_hook_quote(name);

	if (ns == NS_NONE && !strcmp(name, reader->grammar->root))
		return true;
	refuse(reader,
	       "root element %s: not the \"%s\" that libvirt passes (is this program "
	       "linked as the right hook?)",
	       quoted, reader->grammar->root);
	return false;
}

static void on_start(void *ctx, const xmlChar *local, const xmlChar *prefix,
		     const xmlChar *uri, int n_namespaces, const xmlChar **namespaces,
		     int n_attributes, int n_defaulted, const xmlChar **values)
{
	Reader *reader = ctx;
	const char *name = (const char *)local;
	const L3vmXmlAttributes attributes = { values, n_attributes };
	const Element *parent = innermost(reader);
	bool within_ours = parent && parent->ours;
	Namespace ns = classify(reader->grammar, (const char *)prefix,
				(const char *)uri);

	(void)n_namespaces;
	(void)namespaces;
	(void)n_defaulted;
	if (reader->error)
		return;
	if (reader->depth + reader->skipped >= MAX_DEPTH) {
		refuse(reader, "elements are nested deeper than %d (libvirt's are not)",
		       MAX_DEPTH);
		return;
	}
	if (reader->skipped || (parent && ns == NS_FOREIGN)) {
		reader->skipped++;
		return;
	}
	if (!parent && !check_root(reader, name, ns))
		return;
	if (!check_namespace(reader, ns, (const char *)prefix, (const char *)uri))
		return;
	push(reader, name, ns);
	enter(reader, name, ns, within_ours, &attributes);
}

/* Text comes in pieces, at entities and at the ends of libxml2's buffers. */
static void on_text(void *ctx, const xmlChar *text, int len)
{
	Reader *reader = ctx;
	const Element *element = innermost(reader);

	if (reader->error || reader->skipped || !element)
		return;
	if (element->rule && element->rule->text) {
		g_string_append_len(reader->text, (const char *)text, len);
		return;
	}
	for (int i = 0; element->ours && i < len; i++)
		if (!g_ascii_isspace((char)text[i])) {
			refuse(reader,
			       "text in \"%s\": only elements belong there (see "
			       "l3vm-hooks(7))",
			       reader->path->str);
			return;
		}
}

static void on_end(void *ctx, const xmlChar *local, const xmlChar *prefix,
		   const xmlChar *uri)
{
	Reader *reader = ctx;
	const L3vmXmlRule *rule;
	GError *error = NULL;

	(void)local;
	(void)prefix;
	(void)uri;
	if (reader->error)
		return;
	if (reader->skipped) {
		reader->skipped--;
		return;
	}
	rule = innermost(reader)->rule;
	if (rule && rule->text &&
	    !rule->text(reader->data, reader->text->str, &error)) {
		stop(reader, error);
		return;
	}
	reader->depth--;
	g_string_truncate(reader->path,
			  reader->depth ? innermost(reader)->path_len : 0);
}

/* Called at the name, before anything between the brackets has been looked at. */
static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *external_id,
		       const xmlChar *system_id)
{
	(void)name;
	(void)external_id;
	(void)system_id;
	refuse(ctx, "a DOCTYPE: not accepted (libvirt never writes one; it could "
		    "define entities without bounds)");
}

#if LIBXML_VERSION >= 21200
typedef const xmlError Problem;
#else
typedef xmlError Problem;
#endif

/*
 * Only fatal ones count, since after those libxml2 reports no more elements.
 * The others are about namespaces, which classify() judges.
 */
static void on_error(void *ctx, Problem *problem)
{
	Reader *reader = ctx;
	g_autofree char *text = NULL;

	if (problem->level != XML_ERR_FATAL || reader->error)
		return;
	text = g_strdup(problem->message ? problem->message : "not well-formed");
	l3vm_hook_fail(&reader->error, L3VM_ERROR_USAGE,
		       "line %d: malformed XML: %s (libvirt's own is well-formed; was "
		       "it cut off?)",
		       problem->line, g_strstrip(text));
}

static const xmlSAXHandler handlers = {
	.initialized = XML_SAX2_MAGIC,
	.internalSubset = on_doctype,
	.startElementNs = on_start,
	.endElementNs = on_end,
	.characters = on_text,
	/* the same function, or libxml2 guesses which white space matters */
	.ignorableWhitespace = on_text,
	.serror = on_error,
};

/*
 * Other encodings would be converted by whatever module iconv loads for a name
 * that a tenant may have written: only UTF-8, which is what libvirt writes, and
 * a declaration that says otherwise is not obeyed (XML_PARSE_IGNORE_ENC).
 */
static bool parse(Reader *reader, const char *text, size_t size)
{
	/* NUL bytes are not UTF-8 text to g_utf8_validate() either */
	if (!g_utf8_validate(text, (gssize)size, NULL))
		return l3vm_hook_fail(
			&reader->error, L3VM_ERROR_USAGE,
			"malformed XML: not UTF-8 text (libvirt writes UTF-8 only)");
	reader->parser = xmlCreateMemoryParserCtxt(text, (int)size);
	if (!reader->parser)
		return l3vm_hook_fail(
			&reader->error, L3VM_ERROR_USAGE,
			"malformed XML: empty (libvirt passes a document)");
	/* in place of the handlers that would build a tree */
	*reader->parser->sax = handlers;
	reader->parser->userData = reader;
	xmlCtxtUseOptions(reader->parser, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
	xmlParseDocument(reader->parser);
	if (!reader->error && !reader->parser->wellFormed)
		refuse(reader, "malformed XML (libvirt's own is well-formed)");
	xmlFreeParserCtxt(reader->parser);
	return !reader->error;
}

bool l3vm_xml_read(const char *text, size_t size, const L3vmXmlGrammar *grammar,
		   void *data, GError **error)
{
	Reader reader = { .grammar = grammar, .data = data };
	bool ok;

	if (size > L3VM_HOOK_INPUT_MAX)
		return l3vm_hook_fail(
			error, L3VM_ERROR_USAGE,
			"XML longer than %u bytes (no XML of libvirt's is)",
			L3VM_HOOK_INPUT_MAX);
	reader.path = g_string_new(NULL);
	reader.text = g_string_new(NULL);
	ok = parse(&reader, text, size);
	g_string_free(reader.path, TRUE);
	g_string_free(reader.text, TRUE);
	if (!ok)
		g_propagate_error(error, reader.error);
	return ok;
}

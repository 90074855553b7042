/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml.h - reading XML that tenants wrote parts of, by a table of rules
 *
 * A grammar names the elements that matter by their path from the root. The
 * reader calls their rules in document order and builds no tree. Refused
 * before any harm: a DOCTYPE (and with it every entity of its own), elements
 * nested deeper than 64, anything that is not well-formed UTF-8. Nothing is
 * ever loaded from elsewhere.
 */
#ifndef L3VM_HOOKS_XML_H
#define L3VM_HOOKS_XML_H

#include "l3vm.h"

typedef struct L3vmXmlAttributes L3vmXmlAttributes;

/* The value of the attribute without a namespace; for the caller, or NULL. */
char *l3vm_xml_attribute(const L3vmXmlAttributes *attributes, const char *name);

/*
 * Elements of the grammar's own namespace are written with its prefix in a
 * path, whatever prefix the document uses: "domain/metadata/l3vm:guest".
 */
typedef struct L3vmXmlRule {
	const char *path;
	/* Either may be NULL. False with @error ends the reading. */
	bool (*start)(void *data, const L3vmXmlAttributes *attributes, GError **error);
	/* @text: all that is directly inside the element, as it stands there */
	bool (*text)(void *data, const char *text, GError **error);
	/* For an element of our namespace: the attributes it may have. */
	const char *const *attributes;
} L3vmXmlRule;

/*
 * In our own namespace everything is checked: an element without a rule, an
 * attribute that its rule does not list, stray text and another version of the
 * namespace are errors. Other namespaces are skipped with all that is in them.
 */
typedef struct L3vmXmlGrammar {
	const char *root; /* name of the root element */
	const L3vmXmlRule *rules;
	size_t n_rules;
	const char *ns;	       /* "urn:l3vm:guest:1", or NULL: none is ours */
	const char *ns_family; /* "urn:l3vm:": another version is an error */
} L3vmXmlGrammar;

/*
 * @size bytes at @text, by @grammar. True only if all of the document was read
 * and is well-formed; otherwise what the rules collected is to be discarded.
 */
bool l3vm_xml_read(const char *text, size_t size, const L3vmXmlGrammar *grammar,
		   void *data, GError **error);

#endif

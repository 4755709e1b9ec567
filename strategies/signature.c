/*
 * signature.c - signatures to and from text, and the names of the kinds of stub. A signature is one
 * word, so that a strategy compares and hashes it as an integer; the text is for people and plans.
 */
#include <errno.h>
#include <string.h>

#include "stub.h"

const char *const stub_kind_names[STUB_KINDS] = {
	[STUB_ENTRY_NATIVE] = "entry_native",
	[STUB_ENTRY_JS] = "entry_js",
	[STUB_EXIT_JS] = "exit_js",
	[STUB_INDIRECT] = "indirect",
	[STUB_BUILTIN] = "builtin",
	[STUB_BIND] = "bind",
	[STUB_CALL_REF] = "ref",
};

/* STUB_VOID: not a letter of a type. */
static enum stub_type type_of(char letter)
{
	const char *at = letter ? strchr(&STUB_TYPE_LETTERS[1], letter) : NULL;
	return at ? (enum stub_type)(at - STUB_TYPE_LETTERS) : STUB_VOID;
}

int stub_signature_parse(const char *text, stub_signature *out)
{
	stub_signature s = 0;
	unsigned n = 0;

	for (; *text && *text != '>'; text++, n++) {
		enum stub_type type = type_of(*text);
		if (type == STUB_VOID || n == STUB_MAX_PARAMS)
			return -EINVAL;
		s |= (stub_signature)type << (8 + 3 * n);
	}
	if (*text++ != '>')
		return -EINVAL;
	if (*text) {
		enum stub_type type = type_of(*text);
		if (type == STUB_VOID || text[1])
			return -EINVAL;
		s |= type;
	}
	*out = s | n << 3;
	return 0;
}

/* '?' where the word holds no type: a damaged signature is shown, not read past. */
static char letter_of(enum stub_type type)
{
	return type > STUB_VOID && type < STUB_TYPES ? STUB_TYPE_LETTERS[type] : '?';
}

char *stub_signature_format(stub_signature s, char text[20])
{
	char *at = text;
	unsigned n = stub_nparams(s) < STUB_MAX_PARAMS ? stub_nparams(s) : STUB_MAX_PARAMS;

	for (unsigned i = 0; i < n; i++)
		*at++ = letter_of(stub_param(s, i));
	*at++ = '>';
	if (stub_result(s) != STUB_VOID)
		*at++ = letter_of(stub_result(s));
	*at = 0;
	return text;
}

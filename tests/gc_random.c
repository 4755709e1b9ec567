/*
 * gc_random.c - writes random programs for the collected heap, as one C source for gc/rt.h.
 *
 * usage: gc_random COUNT SEED
 *
 * A program is three functions that call each other down to a depth. Each works on a few local
 * references with random statements: new objects, loads and stores of fields, numbers read and
 * written through pointers into objects that stay live across a call, loops over an array of
 * references by pointer, branches, calls. No reference is null where it is used: a null that is
 * loaded becomes the function's first parameter. `gc_main(c, n)` runs the first n programs.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"

enum { FUNCTIONS = 3, LOCALS = 4, NUMBERS = 3, MAX_NESTING = 3 };

struct writer {
	struct prng rng;
	unsigned indent, nesting, names;
	unsigned calls; /* left in this function, so that work does not explode */
	unsigned program;
};

static unsigned pick(struct writer *w, unsigned n)
{
	return prng_below(&w->rng, n);
}

__attribute__((format(printf, 2, 3))) static void line(struct writer *w, const char *fmt, ...)
{
	va_list ap;

	for (unsigned i = 0; i < w->indent; i++)
		putchar('\t');
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static void statements(struct writer *w, unsigned n);

/* Anything that may collect, for between the making of a derived pointer and its use. */
static void safepoint(struct writer *w)
{
	unsigned to = pick(w, LOCALS);

	if (w->calls && pick(w, 4) == 0) {
		w->calls--;
		line(w, "if (depth)");
		line(w, "\tr%u = p%u_f%u(c, r%u, r%u, x%u, depth - 1);", to, w->program,
		     pick(w, FUNCTIONS), pick(w, LOCALS), pick(w, LOCALS), pick(w, NUMBERS));
	} else if (pick(w, 3) == 0) {
		line(w, "rt_emit(c, x%u);", pick(w, NUMBERS));
	} else {
		line(w, "r%u = make(c, r%u, r%u, x%u);", to, pick(w, LOCALS), pick(w, LOCALS),
		     pick(w, NUMBERS));
	}
}

static void derived(struct writer *w)
{
	unsigned name = w->names++, x = pick(w, NUMBERS);

	line(w, "REF uint64_t *q%u = &r%u->words[x%u %% WORDS];", name, pick(w, LOCALS),
	     pick(w, NUMBERS));
	safepoint(w);
	if (pick(w, 2))
		line(w, "*q%u += x%u;", name, x);
	else
		line(w, "x%u ^= *q%u;", x, name);
}

/* A sweep over references by a pointer that runs to one past the end. */
static void sweep(struct writer *w)
{
	unsigned name = w->names++;

	line(w, "REF struct node *REF *s%u = r%u->refs, *REF *e%u = s%u + REFS;", name,
	     pick(w, LOCALS), name, name);
	line(w, "for (; s%u < e%u; s%u++) {", name, name, name);
	w->indent++;
	if (pick(w, 2))
		line(w, "if (*s%u)", name),
		    line(w, "\tx%u += (*s%u)->words[%u];", pick(w, NUMBERS), name, pick(w, 4));
	line(w, "REF struct node *n%u = make(c, *s%u, r%u, x%u);", name, name, pick(w, LOCALS),
	     pick(w, NUMBERS));
	line(w, "*s%u = n%u;", name, name);
	w->indent--;
	line(w, "}");
}

static void branch(struct writer *w)
{
	w->nesting++;
	line(w, pick(w, 2) ? "if (x%u & %u) {" : "if (x%u %% 7 > %u) {", pick(w, NUMBERS),
	     1 + pick(w, 5));
	w->indent++;
	statements(w, 1 + pick(w, 3));
	w->indent--;
	if (pick(w, 2)) {
		line(w, "} else {");
		w->indent++;
		statements(w, 1 + pick(w, 3));
		w->indent--;
	}
	line(w, "}");
	w->nesting--;
}

static void loop(struct writer *w)
{
	unsigned name = w->names++, calls = w->calls;

	w->nesting++;
	w->calls = 0;
	line(w, "for (unsigned i%u = 0; i%u < 1 + x%u %% 4; i%u++) {", name, name, pick(w, NUMBERS),
	     name);
	w->indent++;
	statements(w, 1 + pick(w, 3));
	w->indent--;
	line(w, "}");
	w->calls = calls;
	w->nesting--;
}

static void statement(struct writer *w)
{
	unsigned a = pick(w, LOCALS), b = pick(w, LOCALS), x = pick(w, NUMBERS);

	switch (pick(w, w->nesting < MAX_NESTING ? 12 : 9)) {
	case 0:
		line(w, "r%u->refs[%u] = r%u;", a, pick(w, 3), b);
		break;
	case 1:
		line(w, "r%u = r%u->refs[x%u %% REFS];", a, b, x);
		line(w, "if (!r%u)", a);
		line(w, "\tr%u = a;", a);
		break;
	case 2:
		line(w, "r%u->words[%u] += x%u;", a, pick(w, 4), x);
		break;
	case 3:
		line(w, "x%u = x%u * 2654435761u + r%u->words[%u] + %u;", x, pick(w, NUMBERS), a,
		     pick(w, 4), pick(w, 100));
		break;
	case 4:
		line(w, "x%u += r%u == r%u ? %u : %u;", x, a, (a + 1 + b % (LOCALS - 1)) % LOCALS,
		     pick(w, 9), 10 + pick(w, 9));
		break;
	case 5:
		line(w, "r%u = x%u & 1 ? r%u : r%u;", a, x, b, pick(w, LOCALS));
		break;
	case 6:
		line(w, "{");
		w->indent++;
		derived(w);
		w->indent--;
		line(w, "}");
		break;
	case 7:
	case 8:
		safepoint(w);
		break;
	case 9:
		line(w, "{");
		w->indent++;
		sweep(w);
		w->indent--;
		line(w, "}");
		break;
	case 10:
		branch(w);
		break;
	default:
		loop(w);
	}
}

static void statements(struct writer *w, unsigned n)
{
	while (n--)
		statement(w);
}

static void function(struct writer *w, unsigned f)
{
	w->calls = 3;
	line(w, "static NOINLINE REF struct node *p%u_f%u(ARGUMENTS)\n{", w->program, f);
	w->indent = 1;
	line(w, "REF struct node *r0 = a, *r1 = b, *r2 = make(c, a, b, x0), *r3 = b;");
	line(w, "uint64_t x1 = x0 * 3 + %u, x2 = depth;", pick(w, 1000));
	line(w, "(void)r0, (void)r1, (void)r2, (void)r3;");
	statements(w, 4 + pick(w, 8));
	line(w, "a->words[0] += x0 + x1 + x2;");
	line(w, "return r%u;", pick(w, LOCALS));
	w->indent = 0;
	puts("}\n");
}

static void program(struct writer *w)
{
	for (unsigned f = 0; f < FUNCTIONS; f++)
		line(w, "static NOINLINE REF struct node *p%u_f%u(ARGUMENTS);", w->program, f);
	puts("");
	for (unsigned f = 0; f < FUNCTIONS; f++)
		function(w, f);
}

int main(int argc, char **argv)
{
	struct writer w = { 0 };
	unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 0;

	if (argc != 3 || count < 1 || count > 10000) {
		fprintf(stderr, "usage: gc_random COUNT SEED (1 to 10000 programs)\n");
		return 2;
	}
	prng_seed(&w.rng, strtoull(argv[2], NULL, 0));
	puts("#include \"rt.h\"\n\n"
	     "enum { REFS = 3, WORDS = 4 };\n"
	     "struct node {\n\tREF struct node *refs[REFS];\n\tuint64_t words[WORDS];\n};\n"
	     "#define ARGUMENTS rt *c, REF struct node *a, REF struct node *b, uint64_t x0, "
	     "unsigned depth\n");
	puts("static NOINLINE REF struct node *make(rt *c, REF struct node *a, REF struct node *b, "
	     "uint64_t x)\n{\n"
	     "\tREF struct node *n = rt_alloc(c, REFS, 8 * WORDS);\n\n"
	     "\tn->refs[0] = a;\n\tn->refs[1] = b;\n\tn->words[x % WORDS] = x;\n\treturn n;\n}\n");
	for (; w.program < count; w.program++)
		program(&w);
	puts("/* What a program leaves: the numbers of some objects that can be reached. */\n"
	     "static NOINLINE uint64_t sum(REF struct node *n, unsigned depth)\n{\n"
	     "\tuint64_t s = 1;\n\n"
	     "\tfor (unsigned i = 0; n && i < WORDS; i++)\n\t\ts = 31 * s + n->words[i];\n"
	     "\tfor (unsigned i = 0; n && depth && i < REFS; i++)\n"
	     "\t\ts = 31 * s + sum(n->refs[i], depth - 1);\n\treturn s;\n}\n");
	puts("#define RUN(i) if (n > i) { \\\n"
	     "\tREF struct node *a = make(c, NULL, NULL, i), *b = make(c, a, NULL, i + 7); \\\n"
	     "\trt_emit(c, sum(p##i##_f0(c, a, b, i, 3), 4)); \\\n"
	     "\trt_emit(c, sum(p##i##_f1(c, b, a, i, 3), 4)); \\\n"
	     "\trt_emit(c, sum(p##i##_f2(c, a, a, i, 2), 4)); }\n\n"
	     "GC_EXPORT uint64_t gc_main(rt *c, uint32_t n)\n{");
	for (unsigned i = 0; i < count; i++)
		printf("\tRUN(%u)\n", i);
	puts("\treturn n;\n}");
	return 0;
}

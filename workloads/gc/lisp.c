/*
 * lisp.c - a small Lisp: reader, evaluator with closures, and a program that makes lists, maps and
 * folds with closures, counts by closures with state, and recurses deeply. All of the interpreter's
 * data is on the heap; nothing is global.
 */
#include "rt.h"

enum tag { NUMBER, SYMBOL, PAIR, CLOSURE, PRIMITIVE };

/* number and symbol: v. pair: a, b. closure: a parameters, b body, c environment. primitive: v. */
struct object {
	REF struct object *a, *b, *c;
	uint64_t tag, v;
};
typedef REF struct object *value;

/* The interpreter's state: one object, passed to every function. */
struct lisp {
	value names;  /* symbols so far */
	value global; /* pairs (symbol . value) */
};
typedef REF struct lisp *lisp;

static const char source[] =
    "(define fib (lambda (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))))"
    "(define upto (lambda (a b) (if (< a b) (cons a (upto (+ a 1) b)) ())))"
    "(define map (lambda (f l) (if l (cons (f (car l)) (map f (cdr l))) ())))"
    "(define fold (lambda (f x l) (if l (fold f (f x (car l)) (cdr l)) x)))"
    "(define adder (lambda (n) (lambda (x) (+ x n))))"
    "(define compose (lambda (f g) (lambda (x) (f (g x)))))"
    "(define counter (lambda (n) (lambda (step) (set n (+ n step)))))"
    "(define tick (counter 100))"
    "(define deep (lambda (n) (if (< n 1) 0 (+ 1 (deep (- n 1))))))"
    "(define main (lambda (n)"
    "  (+ (fib n)"
    "     (+ (fold + 0 (map (compose (adder n) (adder 7)) (upto 0 (* n 5))))"
    "        (+ (deep (* n 40))"
    "           (fold (lambda (x y) (+ (* x 3) (- y (tick y)))) 1 (upto 1 n)))))))";

enum primitive { ADD, SUBTRACT, MULTIPLY, LESS, CONS, CAR, CDR, PRIMITIVES };
static const char primitives[] = "+ - * < cons car cdr ";
enum special { DEFINE = PRIMITIVES, LAMBDA, IF, SET };
static const char specials[] = "define lambda if set ";

static NOINLINE value make(rt *c, uint64_t tag, uint64_t v)
{
	value o = rt_alloc(c, 3, 16);

	o->tag = tag;
	o->v = v;
	return o;
}

static NOINLINE value cons(rt *c, value a, value b)
{
	value o = rt_alloc(c, 3, 16);

	o->tag = PAIR;
	o->a = a;
	o->b = b;
	return o;
}

/* ---- Reader -------------------------------------------------------------------------------- */

static int is_space(char ch)
{
	return ch == ' ' || ch == '\n';
}

static int in_word(char ch)
{
	return ch && !is_space(ch) && ch != '(' && ch != ')';
}

static uint64_t word_hash(const char **at)
{
	uint64_t h = 1;

	for (; in_word(**at); ++*at)
		h = gc_mix(h, (uint64_t)**at);
	return h;
}

/* A name is a number: its hash. Equal names are one object. */
static NOINLINE value intern(rt *c, lisp l, uint64_t hash)
{
	for (value p = l->names; p; p = p->b)
		if (p->a->v == hash)
			return p->a;
	value s = make(c, SYMBOL, hash);
	l->names = cons(c, s, l->names);
	return s;
}

static NOINLINE value read_one(rt *c, lisp l, const char **at);

static NOINLINE value read_list(rt *c, lisp l, const char **at)
{
	while (is_space(**at))
		++*at;
	if (**at == ')') {
		++*at;
		return NULL;
	}
	value first = read_one(c, l, at);
	return cons(c, first, read_list(c, l, at));
}

static NOINLINE value read_one(rt *c, lisp l, const char **at)
{
	uint64_t v = 0;

	while (is_space(**at))
		++*at;
	if (**at == '(') {
		++*at;
		return read_list(c, l, at);
	}
	if (**at < '0' || **at > '9')
		return intern(c, l, word_hash(at));
	for (; **at >= '0' && **at <= '9'; ++*at)
		v = 10 * v + (uint64_t)(**at - '0');
	return make(c, NUMBER, v);
}

/* ---- Evaluator ----------------------------------------------------------------------------- */

/* Finds the pair (symbol . value), innermost first. */
static NOINLINE value lookup(lisp l, value environment, value symbol)
{
	for (value e = environment; e; e = e->b)
		if (e->a->a == symbol)
			return e->a;
	for (value e = l->global; e; e = e->b)
		if (e->a->a == symbol)
			return e->a;
	return NULL;
}

static NOINLINE value eval(rt *c, lisp l, value x, value environment);

static NOINLINE value eval_all(rt *c, lisp l, value list, value environment)
{
	if (!list)
		return NULL;
	value first = eval(c, l, list->a, environment);
	return cons(c, first, eval_all(c, l, list->b, environment));
}

static NOINLINE value apply_primitive(rt *c, uint64_t which, value arguments)
{
	value x = arguments->a, y = arguments->b ? arguments->b->a : NULL;

	switch (which) {
	case ADD:
		return make(c, NUMBER, x->v + y->v);
	case SUBTRACT:
		return make(c, NUMBER, x->v - y->v);
	case MULTIPLY:
		return make(c, NUMBER, x->v * y->v);
	case LESS:
		return (int64_t)x->v < (int64_t)y->v ? x : NULL;
	case CONS:
		return cons(c, x, y);
	case CAR:
		return x->a;
	default:
		return x->b;
	}
}

static NOINLINE value apply(rt *c, lisp l, value f, value arguments)
{
	if (f->tag == PRIMITIVE)
		return apply_primitive(c, f->v, arguments);
	value environment = f->c;
	for (value p = f->a; p; p = p->b, arguments = arguments->b) {
		value binding = cons(c, p->a, arguments->a);

		environment = cons(c, binding, environment);
	}
	return eval(c, l, f->b, environment);
}

static NOINLINE value eval_special(rt *c, lisp l, uint64_t which, value rest, value environment)
{
	value result;

	switch (which) {
	case DEFINE:
		result = eval(c, l, rest->b->a, environment);
		l->global = cons(c, cons(c, rest->a, result), l->global);
		return result;
	case LAMBDA:
		result = make(c, CLOSURE, 0);
		result->a = rest->a;
		result->b = rest->b->a;
		result->c = environment;
		return result;
	case SET:
		result = eval(c, l, rest->b->a, environment);
		lookup(l, environment, rest->a)->b = result;
		return result;
	default:
		result = eval(c, l, rest->a, environment);
		return eval(c, l, result ? rest->b->a : rest->b->b->a, environment);
	}
}

static NOINLINE value eval(rt *c, lisp l, value x, value environment)
{
	if (!x || x->tag == NUMBER)
		return x;
	if (x->tag == SYMBOL)
		return lookup(l, environment, x)->b;
	value f = eval(c, l, x->a, environment);
	if (f->tag == PRIMITIVE && f->v >= DEFINE)
		return eval_special(c, l, f->v, x->b, environment);
	return apply(c, l, f, eval_all(c, l, x->b, environment));
}

/* ---- The program --------------------------------------------------------------------------- */

static NOINLINE void define_words(rt *c, lisp l, const char *words, uint64_t first)
{
	for (const char *at = words; *at; at++) {
		value name = intern(c, l, word_hash(&at));
		value entry = cons(c, name, make(c, PRIMITIVE, first++));

		l->global = cons(c, entry, l->global);
	}
}

GC_EXPORT uint64_t gc_main(rt *c, uint32_t n)
{
	lisp l = rt_alloc(c, 2, 0);
	const char *at = source;

	define_words(c, l, primitives, ADD);
	define_words(c, l, specials, DEFINE);
	while (*at) {
		value x = read_one(c, l, &at);

		x = eval(c, l, x, NULL);
		if (*at == ' ')
			at++;
	}
	value name = l->global->a->a; /* main, defined last */
	value call = cons(c, make(c, NUMBER, n), NULL);
	call = cons(c, name, call);
	return eval(c, l, call, NULL)->v;
}

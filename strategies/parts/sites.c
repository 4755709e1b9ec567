/*
 * sites.c - a table from callees to their call sites, and the writing of these sites.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../code/internal.h"
#include "../emit/emit.h"
#include "sites.h"

struct site_module {
	struct site *sites;
	size_t n;
	ptrdiff_t alias;     /* from a field to the same bytes, to be written through */
	uint8_t *low, *high; /* what is being written; NULL: nothing */
	struct site_module *next, *next_open;
};

/* ---- The table ---------------------------------------------------------------------------- */

static struct sites_of *slot_of(struct sites_of *table, size_t capacity,
				const struct stub_callee *c)
{
	size_t i = (uintptr_t)c / sizeof(*c);

	while (table[i & (capacity - 1)].callee && table[i & (capacity - 1)].callee != c)
		i++;
	return &table[i & (capacity - 1)];
}

struct sites_of *sites_find(const struct sites *all, const struct stub_callee *c)
{
	if (!all->count)
		return NULL;
	struct sites_of *known = slot_of(all->table, all->capacity, c);
	return known->callee ? known : NULL;
}

/* Makes room for n more callees; forgets callees of which nothing is known any more. */
static int grow(struct sites *all, size_t n)
{
	size_t capacity = 64, count = 0;

	if ((all->count + n) * 2 <= all->capacity)
		return 0;
	while (capacity < (all->count + n) * 2)
		capacity *= 2;
	struct sites_of *table = calloc(capacity, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < all->capacity; i++) {
		const struct sites_of *old = &all->table[i];

		if (!old->first && !old->mark)
			continue;
		*slot_of(table, capacity, old->callee) = *old;
		count++;
	}
	free(all->table);
	all->table = table;
	all->capacity = capacity;
	all->count = count;
	return 0;
}

/* ---- Sites -------------------------------------------------------------------------------- */

static bool writable(const struct sites *all, const struct site *site)
{
	return !all->running || (uintptr_t)site->field % 8 <= 4;
}

static bool bound(const struct sites *all, const struct stub_callee *c)
{
	return c->code && c->code != all->space->pending;
}

/* Where a site leads, as its rel32. */
static int32_t destination(const struct sites *all, const struct site *site,
			   const struct stub_callee *c)
{
	const void *to = site->context ? c->target : c->code;

	if (!bound(all, c) || (site->context && !emit_in_reach(site->field, to)))
		return site->pad;
	return (int32_t)((intptr_t)to - (intptr_t)site->field - 4);
}

static void write_site(const struct sites *all, const struct site *site, int32_t value)
{
	uint8_t *write = site->field + site->module->alias;
	size_t offset = (uintptr_t)site->field % 8;

	if (!all->running) {
		memcpy(write, &value, 4);
	} else if (offset <= 4) {
		uint64_t word = *(uint64_t *)(write - offset);

		memcpy((uint8_t *)&word + offset, &value, 4);
		__atomic_store_n((uint64_t *)(write - offset), word, __ATOMIC_RELEASE);
	}
}

void sites_write(const struct sites *all, const struct stub_callee *c)
{
	const struct sites_of *known = sites_find(all, c);

	for (const struct site *s = known ? known->first : NULL; s; s = s->next)
		write_site(all, s, destination(all, s, c));
}

void sites_write_all(const struct sites *all)
{
	for (size_t i = 0; i < all->capacity; i++)
		if (all->table[i].first)
			sites_write(all, all->table[i].callee);
}

void sites_want(struct sites *all, const struct site *site)
{
	struct site_module *m = site->module;

	if (!writable(all, site))
		return;
	if (!m->low) {
		m->low = m->high = site->field;
		m->next_open = all->open;
		all->open = m;
	}
	if (site->field < m->low)
		m->low = site->field;
	if (site->field + 4 > m->high)
		m->high = site->field + 4;
}

int sites_close(struct sites *all)
{
	int error = 0;

	for (; all->open; all->open = all->open->next_open) {
		struct site_module *m = all->open;
		int e = code_commit(all->code, m->low, (size_t)(m->high - m->low));

		m->low = NULL;
		error = error ? error : e;
	}
	return error;
}

int sites_open(struct sites *all)
{
	int error = 0;

	for (struct site_module *m = all->open; m && !error; m = m->next_open)
		error = code_patch(all->code, m->low, (size_t)(m->high - m->low));
	if (error && sites_close(all))
		return -ENOTRECOVERABLE;
	return error;
}

static void want_these(struct sites *all, const struct sites_of *known)
{
	for (const struct site *s = known ? known->first : NULL; s; s = s->next)
		sites_want(all, s);
}

void sites_want_of(struct sites *all, struct stub_callee *const *c, size_t n)
{
	for (size_t i = 0; all->count && i < n; i++)
		want_these(all, sites_find(all, c[i]));
}

void sites_want_all(struct sites *all)
{
	for (size_t i = 0; i < all->capacity; i++)
		want_these(all, &all->table[i]);
}

static void forget(struct sites *all, const struct site_module *m, size_t n)
{
	for (size_t i = 0; i < all->capacity; i++)
		for (struct site **at = &all->table[i].first; *at;)
			if (*at >= m->sites && *at < m->sites + n)
				*at = (*at)->next;
			else
				at = &(*at)->next;
}

int sites_add(struct sites *all, const struct stub_site *sites, size_t n)
{
	struct site_module *m = calloc(1, sizeof(*m));

	if (m)
		m->sites = calloc(n + 1, sizeof(*m->sites));
	if (!m || !m->sites || grow(all, n)) {
		free(m ? m->sites : NULL);
		free(m);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		struct sites_of *known = slot_of(all->table, all->capacity, sites[i].callee);

		all->count += !known->callee;
		known->callee = sites[i].callee;
		m->sites[i] = (struct site){ .field = sites[i].field,
					     .pad = (int32_t)(sites[i].pad - sites[i].field - 4),
					     .next = known->first,
					     .module = m,
					     .context = sites[i].context };
		known->first = &m->sites[i];
		if (bound(all, sites[i].callee))
			sites_want(all, known->first);
	}
	m->n = n;
	if (n)
		m->alias = (uint8_t *)code_writable(all->code, sites[0].field) - sites[0].field;
	int error = sites_open(all);
	for (size_t i = 0; i < n && !error; i++)
		if (bound(all, sites[i].callee))
			write_site(all, &m->sites[i],
				   destination(all, &m->sites[i], sites[i].callee));
	if (!error)
		error = sites_close(all);
	if (error) {
		forget(all, m, n);
		free(m->sites);
		free(m);
		return error;
	}
	m->next = all->modules;
	all->modules = m;
	return 0;
}

void sites_drop(struct sites *all, const void *from, const void *to)
{
	for (struct site_module **at = &all->modules; *at;) {
		struct site_module *m = *at;

		if (!m->n || (const void *)m->sites[0].field < from ||
		    (const void *)m->sites[0].field >= to) {
			at = &m->next;
			continue;
		}
		*at = m->next;
		forget(all, m, m->n);
		free(m->sites);
		free(m);
	}
}

void sites_init(struct sites *all, const struct stub_space *space)
{
	*all =
	    (struct sites){ .space = space, .code = space->code, .running = space->config.running };
}

void sites_free(struct sites *all)
{
	while (all->modules) {
		struct site_module *m = all->modules;

		all->modules = m->next;
		free(m->sites);
		free(m);
	}
	free(all->table);
}

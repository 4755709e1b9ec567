/* optimum.c - one pass for the stubs that pay for themselves, then the batch. */
#include "measure/optimum.h"

bool policy_pays(const struct policy_costs *c, uint64_t calls)
{
	return c->make + (double)calls * c->call < (double)calls * c->generic;
}

struct policy_optimum policy_optimum(const struct policy_costs *c, const uint64_t *calls, size_t n)
{
	struct policy_optimum none = { 0 }, some = { .ns = c->batch };

	for (size_t i = 0; i < n; i++) {
		double interpreted = (double)calls[i] * c->generic;
		double made = c->make + (double)calls[i] * c->call;

		if (!calls[i])
			continue;
		none.interpreted++;
		none.ns += interpreted;
		if (policy_pays(c, calls[i])) {
			some.made++;
			some.ns += made;
		} else {
			some.interpreted++;
			some.ns += interpreted;
		}
	}
	return some.ns < none.ns ? some : none;
}

/*
 * space.c - opens, closes and locks a space. A strategy's row is checked against the contract once,
 * when a space is opened, so that no caller need check again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../code/internal.h"
#include "../stub.h"

const char *const stub_policy_names[STUB_POLICIES] = {
	[STUB_ALL] = "all",
	[STUB_ONE] = "one",
	[STUB_TABLE] = "table",
	[STUB_MODULE] = "module",
	[STUB_SIGNATURE] = "signature",
	[STUB_ADAPTIVE] = "adaptive",
	[STUB_RENT] = "rent",
};

static bool takes(const struct stub_ops *ops, enum stub_literals literals)
{
	switch (literals) {
	case STUB_LITERALS_OWN:
		return ops->flags & (STUB_CAN_BAKE | STUB_CAN_TABLE);
	case STUB_LITERALS_BAKED:
		return ops->flags & STUB_CAN_BAKE;
	case STUB_LITERALS_TABLE:
		return ops->flags & STUB_CAN_TABLE;
	}
	return false;
}

static bool sound(const struct stub_ops *ops, const struct stub_config *config,
		  const struct stub_runtime *runtime)
{
	return ops->name && ops->summary && ops->bind && ops->retarget && ops->release &&
	       !(ops->flags & STUB_BULK) == !ops->bind_many && !ops->attach == !ops->detach &&
	       !(ops->flags & STUB_DEFERRED) == !ops->made && takes(ops, config->literals) &&
	       (!(ops->flags & STUB_DEFERRED) || runtime->raise) &&
	       (!config->poison || runtime->released);
}

int stub_space_open(struct stub_space *space, const struct stub_ops *ops, struct code_memory *code,
		    const struct stub_config *config, const struct stub_runtime *runtime)
{
	*space = (struct stub_space){ .code = code, .config = *config, .runtime = *runtime };
	if (!sound(ops, config, runtime))
		return -EINVAL;
	if (config->literals == STUB_LITERALS_OWN)
		space->config.literals =
		    ops->flags & STUB_CAN_BAKE ? STUB_LITERALS_BAKED : STUB_LITERALS_TABLE;
	space->ops = ops;
	if (ops->state) {
		space->state = calloc(1, ops->state);
		if (!space->state)
			return -ENOMEM;
	}
	int error = config->running ? code_set_running(code) : 0;
	if (!error && ops->open)
		error = ops->open(space);
	if (error) {
		free(space->state);
		*space = (struct stub_space){ 0 };
	}
	return error;
}

void stub_space_close(struct stub_space *space)
{
	if (space->ops && space->ops->close)
		space->ops->close(space);
	free(space->state);
	*space = (struct stub_space){ 0 };
}

int stub_retarget_many(struct stub_space *space, struct stub_callee *const *c,
		       const void *const *targets, size_t n, size_t *done)
{
	int error = 0;

	if (space->ops->retarget_many)
		return space->ops->retarget_many(space, c, targets, n, done);
	for (*done = 0; *done < n && !error; *done += !error)
		error = space->ops->retarget(space, c[*done], targets[*done]);
	return error;
}

bool stub_takes_sites(const struct stub_space *space)
{
	return space->ops->attach && !code_frozen(space->code);
}

void stub_space_lock(struct stub_space *space)
{
	if (space->config.running)
		pthread_mutex_lock(code_mutex(space->code));
}

void stub_space_unlock(struct stub_space *space)
{
	if (space->config.running)
		pthread_mutex_unlock(code_mutex(space->code));
}

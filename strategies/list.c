/*
 * list.c - both tables of arms, and the look-up of an arm by its name.
 * Nothing that an arm uses stands here.
 */
#include <string.h>

#include "list.h"
#include "map.h"
#include "stub.h"

#define DECLARE(name) extern const struct stub_ops stub_##name;
STUB_LIST(DECLARE)
#undef DECLARE

#define ROW(name) &stub_##name,
const struct stub_ops *const stub_strategies[] = { STUB_LIST(ROW) NULL };
#undef ROW

const struct stub_ops *stub_strategy(const char *name)
{
	for (size_t i = 0; stub_strategies[i]; i++)
		if (!strcmp(stub_strategies[i]->name, name))
			return stub_strategies[i];
	return NULL;
}

#define DECLARE(name) extern const struct map_ops map_##name;
MAP_LIST(DECLARE)
#undef DECLARE

const struct map_ops *const map_encoders[] = {
#define ROW(name) &map_##name,
	MAP_LIST(ROW)
#undef ROW
	    NULL,
};

const struct map_ops *map_encoder(const char *name)
{
	for (size_t i = 0; map_encoders[i]; i++)
		if (!strcmp(map_encoders[i]->name, name))
			return map_encoders[i];
	return NULL;
}

/* refuse.c - words what is wrong with a run file; apart, since all readers of its parts do. */
#include <stdarg.h>
#include <stdio.h>

#include "runs/store.h"

int run_refuse(char error[RUN_ERROR], int result, const char *form, ...)
{
	va_list ap;

	va_start(ap, form);
	vsnprintf(error, RUN_ERROR, form, ap);
	va_end(ap);
	return result;
}

/* refuse.c - words the error in a run file; a file of its own, since all readers
 * of a run's parts need it. */
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

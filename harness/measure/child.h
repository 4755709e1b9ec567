/* child.h - the command `child` (not for people): one invocation, in the process that runs it. */
#ifndef STUBMAP_MEASURE_CHILD_H
#define STUBMAP_MEASURE_CHILD_H

/* argv[1] is the job; the record goes to stdout as one line. Returns the exit status: 0 good, 1 the
 * cell failed, 2 the job could not be taken. */
int child_main(int argc, char **argv);

#endif

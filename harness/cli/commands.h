/* commands.h - one command a file; each gets its own name in argv[0] and returns the exit status:
 * 0 good, 1 a result failed, 2 the call was wrong. */
#ifndef STUBMAP_CLI_COMMANDS_H
#define STUBMAP_CLI_COMMANDS_H

int cmd_run(int argc, char **argv);
int cmd_peers(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_summary(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_plot(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_power(int argc, char **argv);
int cmd_variance(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_claims(int argc, char **argv);
int cmd_maps(int argc, char **argv);
int cmd_faults(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_model(int argc, char **argv);
int show_map(int argc, char **argv); /* the word map of cmd_show */

#endif

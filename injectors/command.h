/* command.h — the methods as plain commands, and what goes with them: for a person at a prompt, and for tests.
 *
 *   drill-injector config-modify --file /etc/app/config.yaml --format YAML --key db.pool --value 0 --dry-run
 *
 * All arguments are read before anything happens. The fault stays until its duration is over or Ctrl-C, then it is reverted; its journal
 * lies in --dir (default /tmp/.drillyard), so that `drill-injector revert` undoes what a crash left. */
#pragma once

int command_method(int argc, char **argv); /* argv[0] is the method's command */
int command_status(int argc, char **argv); /* the faults in the journal of --dir */
int command_revert(int argc, char **argv); /* reverts what is open there */
int command_probe(int argc, char **argv);  /* one look, given as JSON; exits 0 where it holds, 1 where not, 3 where unknown */
int command_help(int argc, char **argv);

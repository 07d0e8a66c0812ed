/* SPDX-License-Identifier: GPL-2.0-only */
/* The whole program but for main(). */
#ifndef CLI_RUN_H
#define CLI_RUN_H

int cli_run(int argc, char **argv); /* an exit code */

#endif

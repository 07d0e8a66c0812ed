/* SPDX-License-Identifier: GPL-2.0-only */
/* Only main(), so that the unit tests can link all the rest. */
#include "common/util.h"

#include "cli/run.h"

int main(int argc, char **argv)
{
	return cli_run(argc, argv);
}

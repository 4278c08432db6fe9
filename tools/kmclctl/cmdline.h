/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMCLCTL_CMDLINE_H
#define KMCLCTL_CMDLINE_H

#include <stdbool.h>

/*
 * The next kernel's command line: @append alone, or after the running one's if
 * @reuse or if there is no @append; then kmcl.restore=pending, exactly once.
 * NULL after saying what is wrong.
 */
char *cmdline_make(const char *append, bool reuse);

#endif

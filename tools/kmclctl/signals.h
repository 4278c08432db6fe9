/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Being interrupted, where that has to undo something first.
 */
#ifndef KMCLCTL_SIGNALS_H
#define KMCLCTL_SIGNALS_H

/* SIGINT, SIGTERM, SIGHUP and SIGQUIT only leave a mark from here on. */
void signals_note(void);

/* They do nothing from here on. */
void signals_ignore(void);

/* 0, or 128 and the signal that came. */
int signals_exit_code(void);

#endif

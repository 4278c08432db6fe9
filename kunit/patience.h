/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long a test waits for what has to come before it fails. No test passes by
 * its end: it is there for code that is wrong, and never short of a busy machine.
 */
#ifndef _KMCL_PATIENCE_H
#define _KMCL_PATIENCE_H

#include <linux/jiffies.h>

extern unsigned int kmcl_test_patience;		/* seconds; a parameter of the module */

#define KMCL_TEST_PATIENCE	(kmcl_test_patience * HZ)

#endif /* _KMCL_PATIENCE_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * The module that holds all test suites; each suite is a file of its own.
 */
#include <linux/kmcl.h>
#include <linux/module.h>

#include "patience.h"

unsigned int kmcl_test_patience = 20;
module_param_named(patience, kmcl_test_patience, uint, 0444);
MODULE_PARM_DESC(patience, "Seconds that a test waits for what has to come");

MODULE_DESCRIPTION("KUnit tests for the VMBus Kernel Mode Client Library");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(KMCL_NS);

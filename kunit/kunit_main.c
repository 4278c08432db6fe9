// SPDX-License-Identifier: GPL-2.0
/*
 * The module that holds all test suites; each suite is a file of its own.
 */
#include <linux/kmcl.h>
#include <linux/module.h>

MODULE_DESCRIPTION("KUnit tests for the VMBus Kernel Mode Client Library");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(KMCL_NS);

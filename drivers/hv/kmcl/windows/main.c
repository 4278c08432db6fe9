// SPDX-License-Identifier: GPL-2.0
/*
 * KMCL by its Windows names: the module. It only exports.
 */
#include <linux/module.h>

#include "windows.h"

MODULE_DESCRIPTION("VMBus Kernel Mode Client Library by its Windows names");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(KMCL_NS);

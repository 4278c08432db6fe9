// SPDX-License-Identifier: GPL-2.0
/*
 * The kits of the core's suites, once more: an object is part of one module.
 */
#include "fake_bus.c"
#include "core_kit.c"
#include "core_test.c"
#include "save_kit.c"

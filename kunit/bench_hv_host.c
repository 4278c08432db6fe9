// SPDX-License-Identifier: GPL-2.0
/*
 * The host of the benchmark: an object is part of one module.
 */
#include "hv_stand_in.c"

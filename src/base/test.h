/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes first: cmocka wants these headers before its own, in this order. */
#ifndef BW_BASE_TEST_H
#define BW_BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif

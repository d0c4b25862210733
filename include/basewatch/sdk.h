/* SPDX-License-Identifier: Apache-2.0 */
/*
 * basewatch/sdk.h - libbasewatch-sdk, optional help for watcher plugins: day series, detectors with hysteresis, statistics,
 * hot tables, saved state, JSON.  Compile and link with what `pkg-config --cflags --libs basewatch-plugin` says, and with
 * -Wl,--exclude-libs,ALL.
 */
#ifndef BASEWATCH_SDK_H
#define BASEWATCH_SDK_H

#include "sdk/sdk.h"

#endif

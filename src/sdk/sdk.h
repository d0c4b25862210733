/* SPDX-License-Identifier: Apache-2.0 */
/* All of libbasewatch-sdk: what a watcher plugin may use beside basewatch/plugin.h.  Runs in watcher hosts; no privileges. */
#ifndef BW_SDK_SDK_H
#define BW_SDK_SDK_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "sdk/detect.h"
#include "sdk/index.h"
#include "sdk/jsonin.h"
#include "sdk/series.h"
#include "sdk/state.h"
#include "sdk/stats.h"

#endif

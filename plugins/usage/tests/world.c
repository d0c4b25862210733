/* SPDX-License-Identifier: Apache-2.0 */
/* The tests' world. */
#include "world.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"

void world_init(struct world *w, uint64_t rng)
{
  uint32_t i;
  memset(w, 0, sizeof *w);
  w->rng = rng * 2654435761u + 12345;
  for (i = 0; i < 1000; i++) {
    (void)snprintf(w->names[i], sizeof w->names[i], "u%u", i);
    (void)snprintf(w->names[1000 + i], sizeof w->names[i], "a%u", i);
  }
}

void world_close(struct world *w)
{
  harness_close(&w->h);
}

uint32_t world_random(struct world *w, uint32_t n)
{
  w->rng = w->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)((w->rng >> 33) % n);
}

uint32_t world_poisson(struct world *w, double mean)
{
  double l = exp(-mean), p = 1;
  uint32_t k = 0;
  do {
    k++;
    p *= (world_random(w, 1u << 30) + 0.5) / (1u << 30);
  } while (p > l && k < 1000);
  return k - 1;
}

bool is_weekend(int day)
{
  return bw_day_weekday(DAY0 + day) >= 5;
}

int64_t world_time(int day, uint32_t k)
{
  return bw_day_time(DAY0 + day) + 8 * BW_HOUR + (int64_t)(k % 600) * BW_MINUTE;
}

void world_events(struct world *w, int day, const char *account, const char *event, uint32_t n, uint32_t first, uint32_t users,
                  const char *field)
{
  const char *fields[2] = {field, NULL};
  uint32_t i;
  for (i = 0; i < n; i++)
    harness_put(&w->h, BW_KIND_TRACK, world_time(day, i), account, users ? w->names[(first + i % users) % 1000] : "", event,
                fields);
  (void)harness_flush(&w->h);
}

void world_facts(struct world *w, int day, uint32_t kind, const char *account, const char *const *fields)
{
  harness_put(&w->h, kind, world_time(day, 0), account, "", "", fields);
  (void)harness_flush(&w->h);
}

void world_tick(struct world *w, int day)
{
  harness_tick(&w->h, bw_day_time(DAY0 + day + 1));
}

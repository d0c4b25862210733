/* SPDX-License-Identifier: Apache-2.0 */
/* A fast seeded 64-bit hash for tables.  Not for integrity, not to be stored: the seed differs from run to run. */
#ifndef BW_BASE_HASH_H
#define BW_BASE_HASH_H

#include <stdint.h>
#include <string.h>

#include "base/str.h"

/* This process's own seed, not to be guessed from outside: nobody can choose keys that share a place.  (map.c) */
uint64_t bw_hash_seed(void);

static inline uint64_t bw_hash_mix(uint64_t a, uint64_t b)
{
  __uint128_t m = (__uint128_t)a * b;
  return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Multiply-fold over 8-byte words, after wyhash (Wang Yi, public domain); the secret words are its own. */
static inline uint64_t bw_hash(const char *p, size_t len, uint64_t seed)
{
  const uint64_t k0 = UINT64_C(0xa0761d6478bd642f), k1 = UINT64_C(0xe7037ed1a0b428db);
  uint64_t h = seed ^ k0, a = 0, b = 0;
  size_t n = len;
  while (n > 16) {
    memcpy(&a, p, 8);
    memcpy(&b, p + 8, 8);
    h = bw_hash_mix(a ^ k1, b ^ h);
    p += 16;
    n -= 16;
  }
  a = b = 0;
  if (n >= 8) {
    memcpy(&a, p, 8);
    memcpy(&b, p + n - 8, 8);
  } else if (n >= 4) {
    uint32_t x, y;
    memcpy(&x, p, 4);
    memcpy(&y, p + n - 4, 4);
    a = x;
    b = y;
  } else if (n > 0) {
    a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 | (unsigned char)p[n - 1];
  }
  return bw_hash_mix(k1 ^ len, bw_hash_mix(a ^ k1, b ^ h));
}

static inline uint64_t bw_hash_str(struct bw_str s, uint64_t seed)
{
  return bw_hash(s.data, s.len, seed);
}

#endif

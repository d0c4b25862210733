/* SPDX-License-Identifier: Apache-2.0 */
/* Saved state.  Runs in watcher hosts; no privileges needed. */
#include "sdk/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

#define FLUSH_AT (64u << 10)
#define SUM_SEED UINT64_C(0xcbf29ce484222325)

/* Eight bytes at a time over fixed 64 KiB pieces is not needed: a running multiply-add over bytes is fast enough, and does not
   depend on how the stream was cut. */
static uint64_t sum_over(uint64_t h, const char *p, size_t n)
{
  size_t i;
  for (i = 0; i < n; i++)
    h = (h ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);
  return h;
}

static void flush(struct bw_state_out *o)
{
  if (!o->buf.len)
    return;
  o->sum = sum_over(o->sum, o->buf.data, o->buf.len);
  if (o->rc == 0)
    o->rc = o->args->write(o->args->ctx, o->buf.data, o->buf.len);
  bw_buf_reset(&o->buf);
}

static void room(struct bw_state_out *o)
{
  if (o->buf.len >= FLUSH_AT)
    flush(o);
}

void bw_state_begin(struct bw_state_out *o, const struct bw_save_args *args, const char *word, uint32_t version)
{
  *o = (struct bw_state_out){.args = args, .sum = SUM_SEED};
  bw_state_put_str(o, bw_str(word));
  bw_state_put(o, version);
}

void bw_state_put(struct bw_state_out *o, uint64_t v)
{
  bw_buf_add_varint(&o->buf, v);
  room(o);
}

void bw_state_put_signed(struct bw_state_out *o, int64_t v)
{
  bw_buf_add_svarint(&o->buf, v);
  room(o);
}

void bw_state_put_num(struct bw_state_out *o, double v)
{
  bw_buf_add_f64(&o->buf, v);
  room(o);
}

void bw_state_put_str(struct bw_state_out *o, struct bw_str s)
{
  bw_buf_add_lstr(&o->buf, s);
  room(o);
}

int32_t bw_state_end(struct bw_state_out *o)
{
  int32_t rc;
  flush(o);
  bw_buf_add_u64(&o->buf, o->sum);
  if (o->rc == 0)
    o->rc = o->args->write(o->args->ctx, o->buf.data, o->buf.len);
  rc = o->rc;
  bw_buf_clear(&o->buf);
  return rc;
}

void bw_state_refuse(struct bw_state_in *in, const char *what)
{
  if (!in->bad)
    in->what = what;
  in->bad = true;
}

/* Makes n bytes available at data + at; false at the end of the stream. */
static bool need(struct bw_state_in *in, size_t n)
{
  while (in->len - in->at < n) {
    int64_t got;
    if (in->eof)
      return false;
    if (in->at > FLUSH_AT) { /* the used front goes into the sum and away */
      in->sum = sum_over(in->sum, in->data + in->summed, in->at - in->summed);
      memmove(in->data, in->data + in->at, in->len - in->at);
      in->len -= in->at;
      in->at = in->summed = 0;
    }
    if (in->cap - in->len < FLUSH_AT) {
      in->cap = in->cap + 2 * FLUSH_AT;
      in->data = bw_realloc(in->data, in->cap, 1);
    }
    got = in->args->read(in->args->ctx, in->data + in->len, in->cap - in->len);
    if (got < 0 || (uint64_t)got > in->cap - in->len) {
      bw_state_refuse(in, "the host could not read it");
      return false;
    }
    in->eof = got == 0;
    in->len += (size_t)got;
  }
  return true;
}

static bool bytes(struct bw_state_in *in, size_t n)
{
  if (in->bad)
    return false;
  if (!need(in, n)) {
    bw_state_refuse(in, "it ends too early");
    return false;
  }
  return true;
}

uint64_t bw_state_get(struct bw_state_in *in, uint64_t max)
{
  uint64_t v = 0;
  unsigned shift = 0;
  unsigned char c;
  do {
    if (shift > 63 || !bytes(in, 1)) {
      bw_state_refuse(in, "a number is too long");
      return 0;
    }
    c = (unsigned char)in->data[in->at++];
    v |= (uint64_t)(c & 0x7f) << shift;
    shift += 7;
  } while (c & 0x80);
  if (v > max) {
    bw_state_refuse(in, "a number is out of range");
    return 0;
  }
  return v;
}

int64_t bw_state_get_signed(struct bw_state_in *in, int64_t min, int64_t max)
{
  uint64_t z = bw_state_get(in, UINT64_MAX);
  int64_t v = (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
  if (v < min || v > max) {
    bw_state_refuse(in, "a number is out of range");
    return min > 0 ? min : 0;
  }
  return v;
}

double bw_state_get_num(struct bw_state_in *in)
{
  struct bw_reader r;
  double v;
  if (!bytes(in, 8))
    return 0;
  r = bw_reader(in->data + in->at, 8);
  v = bw_read_f64(&r);
  in->at += 8;
  if (!isfinite(v)) {
    bw_state_refuse(in, "a number is not finite");
    return 0;
  }
  return v;
}

struct bw_str bw_state_get_str(struct bw_state_in *in, uint64_t max_len)
{
  uint64_t n = bw_state_get(in, max_len);
  struct bw_str s = {"", 0};
  if (in->bad || !bytes(in, n))
    return s;
  s = (struct bw_str){in->data + in->at, n};
  in->at += n;
  if (!bw_utf8_valid(s.data, s.len)) {
    bw_state_refuse(in, "a text is not UTF-8");
    return (struct bw_str){"", 0};
  }
  return s;
}

bool bw_state_open(struct bw_state_in *in, const struct bw_load_args *args, const char *word, uint32_t version)
{
  struct bw_str w;
  *in = (struct bw_state_in){.args = args, .sum = SUM_SEED};
  w = bw_state_get_str(in, 64);
  if (!in->bad && !bw_str_is(w, word))
    bw_state_refuse(in, "it is another watcher's");
  if (bw_state_get(in, UINT32_MAX) != version)
    bw_state_refuse(in, "it is of another version");
  return !in->bad;
}

int32_t bw_state_close(struct bw_state_in *in)
{
  if (!in->bad) {
    uint64_t sum = sum_over(in->sum, in->data + in->summed, in->at - in->summed);
    struct bw_reader r;
    if (bytes(in, 8)) {
      r = bw_reader(in->data + in->at, 8);
      if (bw_read_u64(&r) != sum)
        bw_state_refuse(in, "its checksum does not match");
      in->at += 8;
    }
    if (!in->bad && need(in, 1))
      bw_state_refuse(in, "it goes on after its end");
  }

  free(in->data);
  in->data = NULL;
  if (!in->bad)
    return BW_OK;
  if (in->args->error && in->args->error_size)
    (void)snprintf(in->args->error, in->args->error_size, "the saved state is refused: %s; it will be rebuilt from the journal",
                   in->what ? in->what : "damaged");
  return BW_ECORRUPT;
}

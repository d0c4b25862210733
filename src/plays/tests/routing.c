/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of routing and budgets share. */
#include "base/test.h"

#include <string.h>

#include "plays/tests/routing.h"

void routing_account(struct world *w, const char *id, const char *traits_json)
{
  world_account(w, id, traits_json);
  world_signal(w, id, "seat_limit", "", BW_OPENED, -0.4, 0.5, "{}");
}

static int take(void *ctx, const struct bw_lead *lead)
{
  *(const struct bw_lead **)ctx = lead;
  return -1;
}

const struct bw_lead *routing_lead(struct world *w, const char *account)
{
  const struct bw_lead *l = NULL;
  bw_leads_each_of(w->engine, bw_str(account), take, &l);
  if (!l)
    fail_msg("%s has no lead:\n%s", account, bw_buf_cstr(&w->log));
  return l;
}

json_t *routing_why(struct world *w, const char *account, const char *play)
{
  struct bw_buf out = {0};
  struct bw_error err = {0};
  json_t *v;
  if (bw_engine_why_not(w->engine, bw_str(account), bw_str(play), w->now, &out, &err) < 0)
    fail_msg("%s", err.message);
  v = json_loadb(out.data, out.len, 0, NULL);
  assert_non_null(v);
  bw_buf_clear(&out);
  return v;
}

size_t routing_said(struct world *w, const char *what)
{
  size_t n = 0;
  const char *s = bw_buf_cstr(&w->log);
  while ((s = strstr(s, what))) {
    n++;
    s++;
  }
  return n;
}

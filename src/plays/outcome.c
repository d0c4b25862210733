/* SPDX-License-Identifier: Apache-2.0 */
/* A lead that a deal came of: it does not expire while the deal is open.  Runs in core and replays. */
#include "base/map.h"
#include "plays/private.h"

void bw_lead_keep(struct bw_engine *e, struct bw_str id, struct bw_str account, int64_t now_ms)
{
  struct lead *l = bw_map_get(e->by_id, id);
  int64_t expire;
  if (!l || !bw_str_is(account, l->pub.account) || (l->pub.status != BW_LEAD_OPEN && l->pub.status != BW_LEAD_SENT))
    return;
  expire = l->pub.status == BW_LEAD_SENT ? e->options.expire_sent_ms : e->options.expire_ms;
  if (l->pub.updated_at + expire > now_ms)
    return;
  l->pub.updated_at = now_ms;
  bw_lead_dirty(e, l);
}

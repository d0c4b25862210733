/* SPDX-License-Identifier: Apache-2.0 */
/* A lead that a deal came of: it does not expire while the deal is open.  Runs in core and replays. */
#include "base/map.h"
#include "plays/private.h"

int bw_lead_keep(struct bw_engine *e, struct bw_str id, int64_t now_ms, struct bw_error *err)
{
  struct lead *l = bw_map_get(e->by_id, id);
  int64_t expire;
  if (!l)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "there is no live lead %.*s", (int)(id.len > 40 ? 40 : id.len),
                   id.data);
  expire = l->pub.status == BW_LEAD_SENT ? e->options.expire_sent_ms : e->options.expire_ms;
  if ((l->pub.status != BW_LEAD_OPEN && l->pub.status != BW_LEAD_SENT) || l->pub.updated_at + expire > now_ms)
    return BW_OK;
  l->pub.updated_at = now_ms;
  bw_lead_dirty(e, l);
  return BW_OK;
}

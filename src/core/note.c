/* SPDX-License-Identifier: Apache-2.0 */
/* `note`: what a colleague knows about a lead, for whoever decides.  Runs in core. */
#include "base/json.h"
#include "core/private.h"

static void add_subject(struct bw_buf *out, struct bw_str lead, struct bw_str text)
{
  bw_json_open(out, '{');
  bw_json_key(out, "lead");
  bw_json_str(out, lead);
  bw_json_key(out, "note");
  bw_json_str(out, text);
  bw_json_close(out, '}');
}

int core_note(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct bw_str id = bw_args_text(args, "lead"), who = bw_args_text(args, "who"), text = bw_args_text(args, "text");
  const struct bw_lead *lead;
  struct bw_buf subject = {0};
  json_t *o;
  int rc;
  if (!bw_person_valid(who))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "a note needs a name: who says so");
  rc = core_commit_first(c, err);
  if (rc < 0)
    return rc;
  lead = bw_leads_find(bw_pipeline_engine(c->pipeline), id);
  if (!lead)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "there is no lead %.*s; `basewatch inbox` lists them", BW_FMT(id));
  add_subject(&subject, id, text);
  rc = bw_store_begin(c->store, err);
  if (rc == 0)
    rc = bw_audit_append(c->store, core_now(c), who, "note", bw_buf_str(&subject), err);
  bw_buf_clear(&subject);
  rc = core_settle(c, rc, err);
  if (rc < 0)
    return rc;
  o = json_object();
  json_object_set_new(o, "lead", core_json_str(id));
  json_object_set_new(o, "who", core_json_str(who));
  json_object_set_new(o, "at", core_json_time(core_now(c)));
  bw_request_reply_json(req, o);
  return BW_OK;
}

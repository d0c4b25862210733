/* SPDX-License-Identifier: Apache-2.0 */
/* `fill` and `edit`: what a person changes in a draft.  A new version with its audit row, in one transaction.  Runs in core. */
#include "base/json.h"
#include "core/private.h"

#define NOTE_MAX 120 /* bytes of a new text that the audit shows */

struct edit {
  const char *action; /* of the audit row */
  struct bw_str name; /* of the gap, or the field */
  struct bw_str value;
  struct bw_str who, via; /* whose change it is, and by whose login it came */
  bool whole;             /* the whole field */
  enum bw_draft_field field;
};

/* "contact.email: ann@acme.example", cut short: the whole text is in the draft's version. */
static void audit_subject(struct bw_buf *out, const struct bw_draft *d, const struct edit *e)
{
  size_t n = e->value.len > NOTE_MAX ? NOTE_MAX : e->value.len;
  struct bw_buf note = {0};
  while (n && n < e->value.len && ((unsigned char)e->value.data[n] & 0xC0) == 0x80)
    n--;
  bw_buf_printf(&note, "%.*s: %.*s%s", BW_FMT(e->name), (int)n, e->value.data, n < e->value.len ? "..." : "");
  bw_json_open(out, '{');
  bw_json_key(out, "lead");
  bw_json_cstr(out, d->lead);
  bw_json_key(out, "version");
  bw_json_int(out, d->version);
  bw_json_key(out, "hash");
  bw_json_cstr(out, d->hash);
  if (e->via.len && !bw_str_eq(e->via, e->who)) {
    bw_json_key(out, "login");
    bw_json_str(out, e->via);
  }
  bw_json_key(out, "note");
  bw_json_str(out, bw_buf_str(&note));
  bw_json_close(out, '}');
  bw_buf_clear(&note);
}

static int store_version(struct core *c, const struct bw_draft *d, const struct edit *e, struct bw_error *err)
{
  struct bw_buf subject = {0};
  int rc = bw_store_begin(c->store, err);
  if (rc == 0)
    rc = bw_draft_save(c->store, d, err);
  if (rc == 0) {
    audit_subject(&subject, d, e);
    rc = bw_audit_append(c->store, d->at, e->who, e->action, bw_buf_str(&subject), err);
    bw_buf_clear(&subject);
  }
  if (rc < 0)
    bw_store_rollback(c->store); /* nothing in memory knows of it yet */
  else if (core_commit(c) < 0)
    rc = bw_fail(err, BW_ENOSPC, BW_CLASS_TRANSIENT, "the change could not be made durable and was not taken; try again later");
  return rc;
}

static void answer(struct bw_request *req, const struct bw_draft *d)
{
  json_t *o = json_object();
  json_object_set_new(o, "lead", core_json_text(d->lead));
  json_object_set_new(o, "version", json_integer((json_int_t)d->version));
  json_object_set_new(o, "hash", core_json_text(d->hash));
  json_object_set_new(o, "who", core_json_text(d->by));
  json_object_set_new(o, "at", core_json_time(d->at));
  json_object_set_new(o, "missing", core_missing_json(d));
  bw_request_reply_json(req, o);
}

/* Somebody who read an older text is told so rather than writing over what came after it. */
static int check_read(const struct bw_draft *d, struct bw_str hash, struct bw_error *err)
{
  if (hash.len == 0 || bw_str_is(hash, d->hash))
    return BW_OK;
  return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT,
                 "the draft of %s is at version %lld by %s, not the one that you read: `basewatch show %s` prints it", d->lead,
                 (long long)d->version, d->by, d->lead);
}

static int change(struct core *c, struct bw_request *req, const json_t *args, const struct edit *e, struct bw_error *err)
{
  struct bw_str id = bw_args_text(args, "lead");
  struct bw_draft before = {0}, after = {0};
  int rc = core_may_work(c, id, "changed", err);
  if (rc < 0)
    return rc;
  if (core_commit(c) < 0) /* what came before is not to be undone with this */
    return bw_fail(err, BW_ENOSPC, BW_CLASS_TRANSIENT, "the store takes no data now; nothing was changed");
  rc = bw_draft_load(c->store, id, 0, &before, err);
  if (rc < 0)
    return rc;
  rc = check_read(&before, bw_args_text(args, "hash"), err);
  if (rc == 0)
    rc = e->whole ? bw_draft_rewrite(&before, e->field, e->value, e->who, core_now(c), &after, err)
                  : bw_draft_edit(&before, e->name, e->value, e->who, core_now(c), &after, err);
  if (rc == 0)
    rc = store_version(c, &after, e, err);
  if (rc == 0)
    answer(req, &after);
  bw_draft_clear(&before);
  bw_draft_clear(&after);
  return rc;
}

int core_fill(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  const struct edit e = {.action = "filled",
                         .name = bw_args_text(args, "name"),
                         .value = bw_args_text(args, "value"),
                         .who = bw_args_text(args, "who"),
                         .via = bw_args_text(args, "via")};
  return change(c, req, args, &e, err);
}

int core_edit(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct edit e = {.action = "edited", .who = bw_args_text(args, "who"), .via = bw_args_text(args, "via"), .whole = true};
  size_t f, given = 0;
  for (f = 0; f < BW_DRAFT_FIELDS; f++) {
    const char *name = bw_draft_field_name((enum bw_draft_field)f);
    if (json_is_string(json_object_get(args, name))) {
      e.field = (enum bw_draft_field)f;
      e.name = bw_str(name);
      e.value = bw_args_text(args, name);
      given++;
    }
  }
  if (given != 1)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "edit needs exactly one of \"to\", \"subject\" and \"body\"");
  return change(c, req, args, &e, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `signals` and `release`: what has shifted, and an operator's word that a fleet-wide shift is real.  Runs in core. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "core/private.h"

#define DEFAULT_SIGNALS 200

json_t *core_signal_json(const struct bw_episode *e)
{
  json_t *o = json_object();
  json_object_set_new(o, "episode", json_integer((json_int_t)e->id));
  json_object_set_new(o, "signal", core_json_text(e->type->name));
  json_object_set_new(o, "key", core_json_str(e->key));
  json_object_set_new(o, "means", core_json_text(e->type->help));
  json_object_set_new(o, "watcher", core_json_text(e->type->watcher));
  json_object_set_new(o, "account", core_json_str(e->account));
  json_object_set_new(o, "direction", core_json_text(bw_direction_name(e->type->direction)));
  json_object_set_new(o, "urgency", core_json_text(bw_urgency_name(e->type->urgency)));
  json_object_set_new(o, "state", json_string(e->cleared_at == BW_TIME_NONE ? "open" : "cleared"));
  json_object_set_new(o, "opened", core_json_time(e->opened_at));
  json_object_set_new(o, "updated", core_json_time(e->updated_at));
  json_object_set_new(o, "cleared", core_json_time(e->cleared_at));
  json_object_set_new(o, "expired", json_boolean(e->expired));
  json_object_set_new(o, "held_until", core_json_time(e->held_until));
  json_object_set_new(o, "value", core_json_number(e->value));
  json_object_set_new(o, "threshold", core_json_number(e->threshold));
  json_object_set_new(o, "strength", core_json_number(e->strength));
  json_object_set_new(o, "evidence", core_json_raw(e->evidence));
  return o;
}

/* ---- open ones: from memory ---- */

struct collect {
  json_t *list;
  size_t skip, seen;
};

/* They come in order of opening, or of type; the newest are read first. */
static int add_open(void *ctx, const struct bw_episode *e)
{
  struct collect *k = ctx;
  if (k->seen++ >= k->skip)
    json_array_insert_new(k->list, 0, core_signal_json(e));
  return BW_OK;
}

static json_t *open_signals(struct core *c, struct bw_str account, size_t limit, int64_t *ret_total)
{
  struct bw_signals *signals = bw_pipeline_signals(c->pipeline);
  struct collect k = {json_array(), SIZE_MAX, 0};
  size_t pass;
  for (pass = 0; pass < 2; pass++) {
    k.seen = 0;
    if (account.len)
      (void)bw_signals_each_open(signals, account, add_open, &k);
    else
      (void)bw_signals_each(signals, add_open, &k);
    k.skip = k.seen > limit ? k.seen - limit : 0;
  }
  *ret_total = (int64_t)k.seen;
  return k.list;
}

/* ---- all that there ever were: from the store, which keeps every episode ---- */

static int64_t col_time(struct bw_stmt *q, int i)
{
  return bw_stmt_col_null(q, i) ? BW_TIME_NONE : bw_stmt_col_int(q, i);
}

static json_t *stored_json(struct core *c, struct bw_stmt *q)
{
  const struct bw_catalog *catalog = core_setup(c)->catalog;
  char name[128], watcher[128];
  struct bw_signal_type gone = {.name = name, .watcher = watcher, .direction = BW_UNCLEAR};
  struct bw_str type = bw_stmt_col_str(q, 2), from = bw_stmt_col_str(q, 4);
  int known = bw_catalog_find_signal(catalog, type);
  struct bw_episode e = {.id = (uint64_t)bw_stmt_col_int(q, 0),
                         .account = bw_stmt_col_str(q, 1),
                         .key = bw_stmt_col_str(q, 3),
                         .opened_at = bw_stmt_col_int(q, 5),
                         .updated_at = bw_stmt_col_int(q, 6),
                         .cleared_at = col_time(q, 7),
                         .held_until = col_time(q, 8),
                         .value = bw_stmt_col_num(q, 9),
                         .threshold = bw_stmt_col_num(q, 10),
                         .strength = bw_stmt_col_num(q, 11),
                         .expired = bw_stmt_col_int(q, 12) != 0,
                         .evidence = bw_stmt_col_str(q, 13)};
  /* A watcher that is no longer configured may have left some. */
  snprintf(name, sizeof name, "%.*s", (int)(type.len > 120 ? 120 : type.len), type.data ? type.data : "");
  snprintf(watcher, sizeof watcher, "%.*s", (int)(from.len > 120 ? 120 : from.len), from.data ? from.data : "");
  e.type = known >= 0 ? bw_catalog_signal(catalog, (size_t)known) : &gone;
  return core_signal_json(&e);
}

static int count_stored(struct core *c, struct bw_str account, int64_t *ret, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(c->store, "SELECT count(*) FROM signals_episode WHERE ?1 = '' OR account = ?1", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, account);
  if ((rc = bw_stmt_step(q, err)) < 0)
    return rc;
  *ret = bw_stmt_col_int(q, 0);
  bw_stmt_reset(q);
  return BW_OK;
}

#define EPISODES                                                                                                               \
  "SELECT id, account, type, key, watcher, opened_at, updated_at, cleared_at, held_until, value, threshold, strength, "        \
  "expired, evidence FROM signals_episode "

static int stored_signals(struct core *c, struct bw_str account, int64_t limit, json_t **ret_list, int64_t *ret_total,
                          struct bw_error *err)
{
  struct bw_stmt *q;
  json_t *list;
  int rc;
  if (!c->full && bw_pipeline_dirty(c->pipeline)) /* what opened or cleared this moment is to be among them */
    (void)core_commit(c);
  rc = count_stored(c, account, ret_total, err);
  if (rc == 0)
    rc = bw_store_prepare(c->store,
                          account.len ? EPISODES "WHERE account = ?1 ORDER BY id DESC LIMIT ?2"
                                      : EPISODES "WHERE ?1 = '' ORDER BY id DESC LIMIT ?2",
                          &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, account);
  bw_stmt_int(q, 2, limit);
  list = json_array();
  while ((rc = bw_stmt_step(q, err)) == 1)
    json_array_append_new(list, stored_json(c, q));
  if (rc < 0) {
    json_decref(list);
    return rc;
  }
  *ret_list = list;
  return BW_OK;
}

int core_signals(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  int64_t limit = bw_args_int(args, "limit", DEFAULT_SIGNALS), total = 0;
  struct bw_str account = bw_args_text(args, "account");
  json_t *o, *list = NULL;
  int rc = BW_OK;
  if (bw_args_bool(args, "all"))
    rc = stored_signals(c, account, limit, &list, &total, err);
  else
    list = open_signals(c, account, (size_t)limit, &total);
  if (rc == 0 && account.len && json_array_size(list) == 0) /* nothing of somebody, or somebody who is not there? */
    rc = core_known_account(c, account, err);
  if (rc < 0) {
    json_decref(list);
    return rc;
  }
  o = json_object();
  json_object_set_new(o, "now", core_json_time(core_now(c)));
  json_object_set_new(o, "total", json_integer((json_int_t)total));
  json_object_set_new(o, "items", list);
  bw_request_reply_json(req, o);
  return BW_OK;
}

/* ---- release ---- */

struct holding {
  struct bw_str type; /* empty: any */
  size_t n;
};

static int count_held(void *ctx, const struct bw_episode *e)
{
  struct holding *h = ctx;
  h->n += e->held_until != BW_TIME_NONE && (h->type.len == 0 || bw_str_is(h->type, e->type->name));
  return BW_OK;
}

static size_t held(struct core *c, struct bw_str type)
{
  struct holding h = {type, 0};
  (void)bw_signals_each(bw_pipeline_signals(c->pipeline), count_held, &h);
  return h.n;
}

static int known_signal(struct core *c, struct bw_str type, struct bw_error *err)
{
  const struct bw_catalog *catalog = core_setup(c)->catalog;
  const char *near_name;
  if (type.len == 0 || bw_catalog_find_signal(catalog, type) >= 0)
    return BW_OK;
  near_name = bw_nearest(type, bw_catalog_signal_names(catalog));
  return bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "there is no signal %.*s%s%s%s", BW_FMT(type),
                 near_name ? "; did you mean " : "", near_name ? near_name : "", near_name ? "?" : "");
}

static int audit_release(struct core *c, struct bw_str who, struct bw_str type, size_t n, struct bw_error *err)
{
  struct bw_buf subject = {0}, note = {0};
  int rc;
  bw_buf_printf(&note, "%zu held of %.*s", n, (int)(type.len ? type.len : 11), type.len ? type.data : "all signals");
  bw_json_open(&subject, '{');
  bw_json_key(&subject, "signal");
  bw_json_str(&subject, type);
  bw_json_key(&subject, "released");
  bw_json_int(&subject, (int64_t)n);
  bw_json_key(&subject, "note");
  bw_json_str(&subject, bw_buf_str(&note));
  bw_json_close(&subject, '}');
  rc = bw_store_begin(c->store, err);
  if (rc == 0)
    rc = bw_audit_append(c->store, core_now(c), who, "released", bw_buf_str(&subject), err);
  if (rc < 0)
    bw_store_rollback(c->store);
  bw_buf_clear(&subject);
  bw_buf_clear(&note);
  return rc;
}

static int release(struct core *c, struct bw_str who, struct bw_str type, size_t n, struct bw_error *err)
{
  struct bw_buf text = {0};
  int rc;
  if (core_commit(c) < 0) /* what came before is not to be undone with this */
    return bw_fail(err, BW_ENOSPC, BW_CLASS_TRANSIENT, "the store takes no data now; nothing was released");
  if ((rc = audit_release(c, who, type, n, err)) < 0)
    return rc;
  (void)bw_signals_release(bw_pipeline_signals(c->pipeline), type);
  bw_pipeline_touch(c->pipeline);
  if (core_commit(c) < 0) /* core starts again from what is durable */
    return bw_fail(err, BW_ENOSPC, BW_CLASS_TRANSIENT, "the release could not be made durable and was not taken; try again");
  bw_buf_printf(&text, "%.*s released %zu held signal%s%s%.*s; the plays weigh them at the next tick.", BW_FMT(who), n,
                n == 1 ? "" : "s", type.len ? " of " : "", BW_FMT(type));
  core_notice(c, BW_URGENCY_LOW, BW_STR(""), "released", bw_buf_str(&text));
  bw_buf_clear(&text);
  return BW_OK;
}

int core_release(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct bw_str type = bw_args_text(args, "signal"), who = bw_args_text(args, "who");
  size_t n = held(c, type);
  json_t *o;
  int rc = known_signal(c, type, err);
  if (rc == 0 && n)
    rc = release(c, who, type, n, err);
  if (rc < 0)
    return rc;
  o = json_object();
  json_object_set_new(o, "signal", type.len ? core_json_str(type) : json_null());
  json_object_set_new(o, "released", json_integer((json_int_t)n));
  json_object_set_new(o, "who", core_json_str(who));
  json_object_set_new(o, "at", core_json_time(core_now(c)));
  json_object_set_new(o, "next_tick", core_json_time((core_now(c) / core_setup(c)->tick_ms + 1) * core_setup(c)->tick_ms));
  bw_request_reply_json(req, o);
  return BW_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a play would decide now, and why not, without recording anything.  Runs in core and replays; no privileges. */
#include "base/json.h"
#include "base/time.h"
#include "plays/private.h"

static void why_not(struct bw_engine *e, const struct play *p, struct bw_buf *out)
{
  struct bw_env *env = &e->env;
  struct verdict v;
  struct standing s = bw_standing(e, env->account, p, bw_is_shadow(p, env->account));
  int64_t until = !s.open && s.closed_at != BW_TIME_NONE ? s.closed_at + p->suppress_ms : BW_TIME_NONE;
  char when[BW_TIME_TEXT];
  bw_verdict_init(&v);
  bw_play_judge(env, p, true, &v);
  bw_play_assign(e, p, &v);
  bw_play_explain(e, p, true, &v);
  if (!v.blocked_by && s.open) {
    v.blocked_by = "open_lead";
    v.says = bw_asprintf("lead %s of this family is %s already; a re-fire only adds to it", s.open->pub.id,
                         bw_lead_status_name(s.open->pub.status));
  } else if (!v.blocked_by && until != BW_TIME_NONE && env->now_ms < until) {
    bw_time_format(until, when);
    v.blocked_by = "suppressed";
    v.says = bw_asprintf("a lead of this family was closed lately; it rests until %s", when);
  } else if (!v.blocked_by && bw_nothing_new(env, p, s)) {
    v.blocked_by = "nothing_new";
    v.says = bw_strdup(
        "everything that is open now was open when the last lead of this family was closed; only a new signal asks again");
  }
  bw_json_key(&v.why, "suppressed_until");
  bw_json_time(&v.why, until != BW_TIME_NONE && env->now_ms < until ? until : BW_TIME_NONE);
  bw_json_key(&v.why, "budget");
  bw_budget_json(e, bw_str(v.owner), env->now_ms, &v.why);
  bw_json_key(&v.why, "open_lead");
  bw_json_cstr(&v.why, s.open ? s.open->pub.id : NULL);
  bw_json_key(&v.why, "fires");
  bw_json_bool(&v.why, !v.blocked_by);
  bw_json_key(&v.why, "blocked_by");
  bw_json_cstr(&v.why, v.blocked_by ? v.blocked_by : "");
  bw_json_key(&v.why, "says");
  bw_json_cstr(&v.why, v.says ? v.says : "it fires");
  bw_json_close(&v.why, '}');
  bw_json_raw(out, bw_buf_str(&v.why));
  bw_verdict_clear(&v);
}

static int no_such_play(const struct bw_plays *p, struct bw_str play, struct bw_error *err)
{
  const char **names BW_AUTOFREE = bw_calloc(p->nplays + 1, sizeof *names);
  const char *near;
  size_t i;
  for (i = 0; i < p->nplays; i++)
    names[i] = p->plays[i].name;
  near = bw_nearest(play, names);
  return bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "there is no play \"%.*s\"%s%s%s", (int)(play.len > 80 ? 80 : play.len),
                 play.data, near ? "; did you mean " : "; `basewatch plays` lists them", near ? near : "", near ? "?" : "");
}

int bw_engine_why_not(struct bw_engine *e, struct bw_str account, struct bw_str play, int64_t now_ms, struct bw_buf *ret_json,
                      struct bw_error *err)
{
  int at = bw_plays_find(e->plays, play);
  size_t i;
  if (!account.len)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "no account was named");
  if (play.len && at < 0)
    return no_such_play(e->plays, play, err);
  if (!play.len)
    bw_json_open(ret_json, '[');
  for (i = 0; i < e->plays->nplays; i++) {
    if (play.len && (size_t)at != i)
      continue;
    bw_engine_gather(e, account, now_ms);
    why_not(e, &e->plays->plays[i], ret_json);
  }
  if (!play.len)
    bw_json_close(ret_json, ']');
  return 0;
}

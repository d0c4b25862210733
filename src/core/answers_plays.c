/* SPDX-License-Identifier: Apache-2.0 */
/* `plays`: which plays run, with their open leads and those of the last 30 days.  Runs in core. */
#include <stdlib.h>

#include "core/private.h"
#include "rules/rules.h"

#define FIRED_MS (30 * BW_DAY)

struct tally {
  const struct bw_plays *plays;
  size_t *open, *fired;
};

static int count_open(void *ctx, const struct bw_lead *lead)
{
  struct tally *t = ctx;
  int at = bw_plays_find(t->plays, bw_str(lead->play));
  if (at >= 0 && lead->mode != BW_MODE_SHADOW)
    t->open[at]++;
  return 0;
}

static void count_fired(void *ctx, struct bw_str play)
{
  struct tally *t = ctx;
  int at = bw_plays_find(t->plays, play);
  if (at >= 0)
    t->fired[at]++;
}

static json_t *play_json(const struct core *c, const struct tally *t, size_t i, const struct bw_play_info *info)
{
  char *file BW_AUTOFREE = core_file_shown(c, info->file);
  json_t *o = json_object();
  json_object_set_new(o, "play", core_json_text(info->name));
  json_object_set_new(o, "motion", core_json_text(info->motion));
  json_object_set_new(o, "type", core_json_text(info->type));
  json_object_set_new(o, "family", core_json_text(info->family));
  json_object_set_new(o, "mode", json_string(bw_mode_name(info->mode)));
  json_object_set_new(o, "route", core_json_text(info->route));
  json_object_set_new(o, "template", core_json_text(info->template_name));
  json_object_set_new(o, "open", json_integer((json_int_t)t->open[i]));
  json_object_set_new(o, "fired", json_integer((json_int_t)t->fired[i]));
  json_object_set_new(o, "file", core_json_text(file));
  json_object_set_new(o, "line", json_integer(info->line));
  return o;
}

int core_plays(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct bw_engine *e = bw_pipeline_engine(c->pipeline);
  const struct bw_plays *plays = bw_engine_plays(e);
  size_t n = bw_plays_count(plays), i;
  struct tally t = {plays, bw_calloc(n + 1, sizeof(size_t)), bw_calloc(n + 1, sizeof(size_t))};
  struct bw_play_info info;
  json_t *o, *list = json_array();
  int rc;
  (void)args;
  (void)bw_leads_each(e, false, count_open, &t);
  rc = bw_engine_fired(e, core_now(c) - FIRED_MS, count_fired, &t, err);
  for (i = 0; rc == 0 && bw_plays_at(plays, i, &info); i++)
    json_array_append_new(list, play_json(c, &t, i, &info));
  free(t.open);
  free(t.fired);
  if (rc < 0) {
    json_decref(list);
    return rc;
  }
  o = json_object();
  json_object_set_new(o, "now", core_json_time(core_now(c)));
  json_object_set_new(o, "plays", list);
  bw_request_reply_json(req, o);
  return BW_OK;
}

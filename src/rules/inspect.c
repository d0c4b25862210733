/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled plays as others may look at them: by name, by place, and all that one says.  Runs wherever rules are; no
 * privileges.
 */
#include "base/map.h"
#include "rules/private.h"

const char *bw_mode_name(enum bw_mode mode)
{
  static const char *const names[] = {"shadow", "pilot", "live"};
  return (size_t)mode < 3 ? names[mode] : "";
}

size_t bw_plays_count(const struct bw_plays *p)
{
  return p->nplays;
}

bool bw_plays_at(const struct bw_plays *p, size_t i, struct bw_play_info *ret_info)
{
  const struct play *play;
  if (i >= p->nplays)
    return false;
  play = &p->plays[i];
  *ret_info = (struct bw_play_info){.name = play->name,
                                    .family = play->family,
                                    .motion = play->motion,
                                    .type = play->type,
                                    .route = play->route_name,
                                    .template_name = play->template_name,
                                    .angle = play->angle,
                                    .title = play->title,
                                    .mode = play->mode,
                                    .file = play->file,
                                    .line = play->line,
                                    .column = play->column,
                                    .template_line = play->template_line,
                                    .template_column = play->template_column,
                                    .angle_line = play->angle_line,
                                    .angle_column = play->angle_column};
  return true;
}

int bw_plays_find(const struct bw_plays *p, struct bw_str name)
{
  size_t i;
  for (i = 0; i < p->nplays; i++)
    if (bw_str_is(name, p->plays[i].name))
      return (int)i;
  return -1;
}

double bw_play_weight(const struct play *p, uint32_t type)
{
  size_t i;
  for (i = 0; i < p->nweights; i++)
    if (p->weights[i].signal == type)
      return p->weights[i].weight;
  return 0;
}

double bw_plays_weight(const struct bw_plays *p, size_t play, uint32_t signal_type)
{
  return play < p->nplays ? bw_play_weight(&p->plays[play], signal_type) : 0;
}

/* ---- in full ---- */

bool bw_play_rules(const struct bw_plays *p, size_t i, struct bw_play_rules *ret)
{
  const struct play *play = i < p->nplays ? &p->plays[i] : NULL;
  if (!play)
    return false;
  *ret = (struct bw_play_rules){
      .threshold = play->threshold,
      .open_share = play->open_share,
      .suppress_ms = play->suppress_ms,
      .review_ms = play->review_ms,
      .never_before_ms = play->timing.never_before_ms,
      .renewal_block_ms = play->timing.renewal ? play->timing.block_within : -1,
      .escalation_blocks = play->timing.escalation,
      .estimate = play->estimate,
      .floor = play->floor,
      .floor_otherwise = play->floor_otherwise.route >= 0 ? p->routes[play->floor_otherwise.route].name : NULL,
      .floor_template = play->floor_otherwise.template_name,
      .nurture_route = play->readiness.route >= 0 ? p->routes[play->readiness.route].name : NULL,
      .nurture_template = play->readiness.template_name,
      .review_when = play->review_when,
      .priority = play->priority,
      .priority_high = play->priority_high,
      .priority_medium = play->priority_medium,
      .npilot = play->pilot ? bw_map_count(play->pilot) : 0,
  };
  return true;
}

bool bw_gates_at(const struct bw_plays *p, size_t play, size_t i, struct bw_gate_info *ret)
{
  const struct gate *g;
  if (play >= p->nplays || i >= p->plays[play].gates.n)
    return false;
  g = &p->plays[play].gates.items[i];
  *ret = (struct bw_gate_info){.name = g->name,
                               .from = g->from,
                               .require = g->require,
                               .otherwise = g->otherwise.route >= 0 ? p->routes[g->otherwise.route].name : NULL,
                               .otherwise_template = g->otherwise.template_name};
  return true;
}

const char *bw_route_fallback_at(const struct bw_plays *p, const char *route, size_t i)
{
  int at = bw_find_route(p, route), role;
  if (at < 0 || i >= p->routes[at].nfallback)
    return NULL;
  role = p->routes[at].fallback[i];
  return role >= 0 ? p->roles[role].name : "operator";
}

const char *bw_journey_when_at(const struct bw_plays *p, size_t i, const struct bw_expr **ret_when)
{
  size_t s;
  for (s = 0; s < sizeof p->journey.stage / sizeof *p->journey.stage; s++) {
    if (i < p->journey.stage[s].n) {
      *ret_when = p->journey.stage[s].items[i].when;
      return p->journey.stage[s].items[i].name;
    }
    i -= p->journey.stage[s].n;
  }
  return NULL;
}

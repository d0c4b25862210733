/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled rules from inside: for the room that judges accounts by them.  Others see rules.h only. */
#ifndef BW_RULES_COMPILED_H
#define BW_RULES_COMPILED_H

#include "base/zone.h"
#include "names/names.h"
#include "rules/rules.h"

#define MAX_PLAYS 256
#define MAX_GATES 64

/* ---- routes and roles --------------------------------------------------------------------------------------------------- */

struct words {
  char **items; /* NULL-terminated */
  size_t n;     /* 0: any */
};
struct route_row {
  struct words motions, types, segments;
  struct bw_band size, estimate, tenure, vendor; /* tenure in ms */
  struct bw_expr *when;
  int role; /* -1: the operator */
  bool csm_required;
  bool never; /* the vendor's size is outside of `vendor`: the row is for another company */
  char *note; /* may be empty */
  char *file;
  uint32_t line, column;
};
struct route {
  char *name;
  struct route_row *rows;
  size_t nrows;
  int *fallback; /* roles */
  size_t nfallback;
};
struct pool {
  char **members; /* as their people records name them; NULL: all people who have the role */
  size_t nmembers;
  bool given, least_loaded;
  char *file;
  uint32_t line, column;
};
struct role {
  char *name;
  struct bw_expr **people; /* tried in order */
  size_t npeople;
  struct pool pool; /* tried after them */
};

/* -1: there is none. */
int bw_find_role(const struct bw_plays *p, struct bw_str name);
bool bw_band_holds(const struct bw_band *b, double v);

/* ---- people, and amounts with names ------------------------------------------------------------------------------------- */

struct away {
  int64_t from, until; /* until is the first moment back */
  int32_t last_day;    /* for reading */
};
struct person {
  char *email, *name, *slack, *delegate;
  struct words roles;
  struct away *away;
  size_t naway;
  int64_t capacity;           /* new leads a day; -1: leads.budget, 0: no limit */
  bool has_zone;              /* else the one of all (leads.timezone) */
  const struct bw_zone *zone; /* the roster's */
  int stands_in;              /* index of the delegate, or -1 */
  char *file;
  uint32_t line, column;
};
struct constant {
  char *name;
  double value;
};
struct roster {
  struct person *people;
  size_t n;
  struct bw_map *index; /* e-mail, name, Slack name in small letters → struct person's index + 1 */
  struct bw_map *zones; /* name → struct bw_zone */
  struct constant *constants;
  size_t nconstants;
};
/* By e-mail, name or Slack name, letters of any case; NULL where they are not listed. */
const struct person *bw_person_find(const struct roster *r, struct bw_str who);
/* The span that holds now; NULL where they are there. */
const struct away *bw_person_away(const struct person *p, int64_t now_ms);
/*
 * Whoever answers for `who` now: themselves, or the first of their delegates who is there; NULL where nobody is.  Borrowed from
 * the roster or from who.  ret_note gets "anna@example.com (away until 2026-12-05)" where it is not themselves.
 */
struct bw_str bw_person_now(const struct roster *r, struct bw_str who, int64_t now_ms, struct bw_buf *ret_note);
double bw_route_constant(const struct roster *r, const char *name); /* NAN: not given */

/* ---- plays -------------------------------------------------------------------------------------------------------------- */

/* Where a lead goes instead of being stopped. */
struct otherwise {
  int route;           /* -1: it is stopped */
  char *template_name; /* the draft's then; NULL: the play's */
  char *file;
  uint32_t line, column; /* of the template's name */
};
struct gate {
  char *name;
  struct bw_expr *require;
  struct otherwise otherwise;
  const char *from; /* the shared list that it came from; NULL: the play's own */
  bool shared;      /* name and require are that list's */
  bool alike;       /* shared, and its answer is the same for all plays */
};
struct gate_list {
  char *name; /* NULL: a play's own */
  struct gate *items;
  size_t n;
};
struct weight {
  uint32_t signal;
  double weight;
};
#define DIMENSIONS 6
extern const struct dimension {
  const char *name, *expression; /* what it is made of where configuration says nothing else */
} bw_dimensions[DIMENSIONS];
struct readiness {
  char *name;                            /* of a shared document; NULL: a play's own */
  double pursue, from;                   /* points of 18: a lead from `pursue` on, nurture from `from` on */
  int unknown;                           /* points of a dimension whose value nobody supplied: 1 or 2 */
  int decides;                           /* or is only shown */
  struct bw_expr *dimension[DIMENSIONS]; /* 1 to 3 points each; NULL: nothing configured can supply it */
  bool own[DIMENSIONS];                  /* ours to free */
  bool alike[DIMENSIONS];                /* the points are the same for all plays that share it */
  int route;                             /* of the nurture band; -1: no lead */
  char *template_name;                   /* of the nurture band; NULL: the play's */
  uint32_t template_line, template_column;
};
struct timing {
  int64_t never_before_ms;    /* tenure; 0: no such floor */
  bool escalation;            /* an open escalation blocks */
  bool renewal;               /* mind the renewal at all */
  int64_t join_from, join_to; /* joined to a renewal that is so near */
  int64_t block_within;       /* and never so near */
  char *renewal_family;       /* which lead of the account is the renewal's */
};
struct milestone {
  char *name;
  struct bw_expr *when;
};
struct journey {
  bool there; /* some document defines it */
  struct {
    struct milestone *items;
    size_t n;
  } stage[BW_STAGES];
};
/* A bit per play. */
struct play_set {
  uint64_t words[MAX_PLAYS / 64];
};
struct play {
  char *name, *family, *motion, *type, *route_name, *template_name, *angle, *title, *review_by;
  enum bw_mode mode;
  struct bw_map *pilot; /* account ids; NULL: none */
  struct weight *weights;
  size_t nweights;
  struct gate_list gates;
  double threshold;
  double open_share; /* of a weight, for being open at all; the rest by strength */
  struct readiness readiness;
  struct timing timing;
  struct bw_expr *estimate; /* may be NULL */
  struct bw_expr *floor;    /* may be NULL */
  struct otherwise floor_otherwise;
  char *priority; /* fixed; NULL: by expressions, else by the signals' urgency */
  struct bw_expr *priority_high, *priority_medium;
  int64_t review_ms; /* 0: none */
  struct bw_expr *review_when;
  int64_t sla_ms[3]; /* high, medium, low */
  int64_t suppress_ms;
  int route;
  char *file;
  uint32_t line, column, template_line, template_column, angle_line, angle_column;
};
struct bw_plays {
  struct roster roster;
  const struct bw_catalog *catalog;
  struct bw_names *names; /* in the slots of all expressions */
  struct play *plays;
  struct route *routes;
  struct role *roles;
  struct gate_list *gate_lists;
  struct readiness builtin, *readinesses;
  struct journey journey;
  size_t nplays, nroutes, nroles, ngate_lists, nreadinesses;
  struct play_set *triggers; /* per signal type: the plays that weigh it */
};

double bw_play_weight(const struct play *p, uint32_t signal); /* 0 where it does not use it */

#endif

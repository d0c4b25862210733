/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usage watcher's own types.  A pure function of records, in a sandboxed host: no clock, no files, no network.
 *
 * feed.c      records -> pieces (the hot path)        actions.c  what single events do beyond being activity
 * users.c     users by name and account
 * stage.c     pieces, sorted by account               apply.c    pieces -> counters
 * facts.c     contracts: plans, seats, limits         fleet.c    the whole feed: dips, silence, quantiles
 * config.c    options -> what events mean
 * evaluate.c  ticks -> which accounts, which checks   checks_*.c the signals     traits.c  the traits
 * merger.c    users who moved                         persist.c  save and load
 */
#ifndef BW_USAGE_H
#define BW_USAGE_H

#include "sdk/sdk.h"

#define STATE_WORD "basewatch-usage"
#define STATE_VERSION 4

/* ---- options ---- */
enum signal_id {
#define SIGNAL(ID, ...) SIG_##ID,
#include "signals.def"
#undef SIGNAL
  SIG_COUNT
};
enum { OPT_ENABLED, OPT_THRESHOLD, OPT_CLEAR, OPT_WINDOW, OPT_MIN, OPT_FOR, OPT_COOLDOWN, OPTS_PER_SIGNAL };
enum option_id {
  OPT_FIRST_EXTRA = SIG_COUNT * OPTS_PER_SIGNAL - 1,
#define OPTION(ID, ...) OPT_##ID,
#include "extras.def"
#undef OPTION
  OPT_COUNT
};
enum trait_id {
  TRAIT_SEATS_USED,
  TRAIT_SEATS_BOUGHT,
  TRAIT_SEATS_NEEDED,
  TRAIT_DAU,
  TRAIT_WAU,
  TRAIT_MAU,
  TRAIT_DAU_MAU,
  TRAIT_FEATURE_BREADTH,
  TRAIT_AUTOMATION_DEPTH,
  TRAIT_USAGE,
  TRAIT_LIMIT_RATIO,
  TRAIT_LIMIT_DATE,
  TRAIT_FIRST_ACTIVE,
  TRAIT_LAST_ACTIVE,
  TRAIT_DEPARTMENTS,
  TRAIT_EVENTS_28D,
  TRAIT_EVENTS_PREV_28D,
  TRAIT_COUNT
};
extern const struct bw_option usage_options[OPT_COUNT];
extern const struct bw_signal_decl usage_signals[SIG_COUNT];
extern const struct bw_trait_decl usage_traits[TRAIT_COUNT];

/* One signal's settings, from its rows. */
struct setting {
  bool on;
  struct bw_rule rule;
  int32_t window; /* days */
  double min;
};

/* ---- what events mean ---- */
enum action {
  ACT_SIGN_IN,
  ACT_FEATURE,
  ACT_METER,
  ACT_INVITE_REFUSED,
  ACT_PAID,
  ACT_EXPORT,
  ACT_AUTOMATION,
  ACT_SHARE,
  ACT_SIGN_UP,
  ACT_LIMIT_ERROR,
  ACT_STEP,
  ACT_KINDS
};
#define MAX_FIELDS 4
struct field_ref {
  uint32_t section;
  struct bw_str key; /* owned by the config's document */
};
struct field_set { /* the same value by several names; the first that is there counts */
  struct field_ref refs[MAX_FIELDS];
  uint32_t n;
  uint64_t lengths; /* a bit for each length of a key */
};
struct rule_of_event {
  uint8_t action, nwhere;
  bool any_name;       /* "*" or no name given */
  uint8_t index, step; /* meter; pattern and its step */
  uint64_t kinds;      /* BW_KIND_BITs */
  char *name;          /* normalised: lower case, letters and digits only */
  struct field_set fields;
  struct field_set where[MAX_FIELDS]; /* of one name each */
  struct bw_str equals[MAX_FIELDS];
};
enum meter_window { METER_DAYS, METER_MONTH, METER_GAUGE };
#define MAX_METERS 32
struct meter { /* one resource; several events may feed it */
  struct bw_str resource, limit, rate_limit;
  enum meter_window window;
  int32_t days;
  double scale;
  int64_t rate_window; /* ms; 0: no rates */
  uint16_t resource_id, limit_id, rate_limit_id;
};
#define MAX_PATTERNS 32
#define MAX_STEPS 8
struct pattern {
  struct bw_str name, product;
  uint8_t nsteps;
  int64_t within; /* ms */
  double count;
  int32_t window;
  uint16_t name_id, product_id;
};
#define MAX_MAP 256
struct product_map { /* product -> one feature; several rows for several */
  uint16_t product, feature;
};
#define MAX_MEANINGS 8
struct meaning { /* what one (kind, name) does; cached */
  uint64_t hash;
  uint32_t kind;
  uint32_t own_feature; /* feature id of the event's own name, 0: none */
  uint16_t rules[MAX_MEANINGS];
  uint8_t nrules;
  bool used;
  char *name;
  size_t name_len;
};
#define MEANING_SLOTS 4096 /* half of them are filled at most; further names are looked up each time */

struct config {
  struct setting set[SIG_COUNT];
  struct bw_option_value value[OPT_COUNT]; /* texts copied */
  struct bw_jdoc *docs[OPT_COUNT];
  struct rule_of_event *rules;
  uint32_t nrules, nmeters, npatterns, nproducts, nadjacent;
  struct meter meters[MAX_METERS];
  struct pattern patterns[MAX_PATTERNS];
  struct product_map products[MAX_MAP], adjacent[MAX_MAP];
  struct field_set department, device;
  uint64_t activity; /* kind bits */
  bool trait_on[TRAIT_COUNT], logins_by_user, any_trait;
  int32_t mau_window;
  double z_growth, z_decline, z_logins, z_doubled; /* of the chances; negative: not tested */
  uint32_t max_users, max_features;
};

/* ---- accounts ---- */
enum counter_kind {
  C_METER,      /* key: meter */
  C_METER_PEAK, /* key: meter; daily peak of one rate window */
  C_INVITE_REFUSED,
  C_PAID, /* key: feature name, or 0 */
  C_EXPORT,
  C_AUTOMATION,
  C_SHARE,
  C_SIGN_UP,
  C_LIMIT,   /* limit errors; key: resource name, or 0 */
  C_PATTERN, /* key: pattern */
  C_MOVED_OUT,
  C_MOVED_IN,
  C_KINDS
};
struct counter {
  uint16_t kind, key;
  uint32_t now;     /* METER_PEAK: sum in the present rate window */
  int64_t now_slot; /* ... and its number */
  struct bw_series s;
};
struct feature {
  uint16_t id, first, last;
  uint16_t witness; /* some day of use that was asked for, so that the series need not be; 0: none */
  uint32_t today;   /* of day `last`, not yet in the series */
  struct bw_series s;
};
#define DEPT_USERS 32
struct dept {
  uint16_t id, first, last, fresh; /* days; fresh: since when it is new, 0: known from the start */
  uint16_t nusers, cap;
  uint32_t *users; /* those seen since fresh, at most DEPT_USERS */
};
struct progress { /* of one user in a pattern of several steps */
  uint32_t user;
  uint8_t pattern, step;
  int64_t started;
};
struct move {
  uint32_t to;
  uint16_t n, first, last;
  bool told;
};
struct kept { /* an episode, and what a reminder repeats of it */
  struct bw_episode e;
  int32_t known;     /* day on which its value was known last */
  uint16_t strength; /* thousandths */
  double threshold;
};
struct published {
  uint16_t trait, key;
  float value;
};

#define RING 64 /* days */
enum { DIRTY_USERS = 1, DIRTY_METER = 2, DIRTY_COUNTERS = 4, DIRTY_FACTS = 8 };
struct activity {
  int32_t day; /* newest day counted; the today_* are of it */
  uint32_t today_events, today_logins, today_dau, mau;
  uint16_t first, last; /* days of any record of a user, and of activity */
  uint16_t nfeatures, capfeatures, ncounters, ndepts, nepisodes, nprogress, nmoves, npublished, nsharers;
  uint16_t merged_out, merged_in; /* day that a merger was told of; 0: never */
  uint8_t dirty;
  struct bw_series events, logins, dau, mau_days;
  uint16_t *feature_ids;
  struct feature *features;
  struct counter *counters;
  struct dept *depts;
  struct kept *episodes;
  struct progress *progress;
  struct move *moves;
  struct published *published;
  uint32_t *sharers;   /* users with a sharing day */
  uint32_t ring[RING]; /* users whose last active day is d, at d % RING; days day-63..day */
};
struct limit {
  uint16_t key;
  double value;
};
struct owned {
  uint16_t product, since;
};
struct seat_change {
  uint16_t day;
  double seats;
};
#define SEAT_CHANGES 16
struct facts {
  uint16_t plan, start, end, nlimits, nowned, nseat_changes;
  bool has_subscription, has_account;
  double seats, provisioned, arr; /* negative: not said */
  struct limit *limits;
  struct owned *owned;
  struct seat_change seat_changes[SEAT_CHANGES]; /* of seats bought, oldest first */
};
struct account {
  struct bw_key key;
  struct activity *act;
  struct facts *facts;
  uint16_t newest; /* day of any record of a user: ahead of the activity's, which waits for a flush */
  uint16_t flags;
};
enum { ACCOUNT_TOUCHED = 1 };
struct user {
  struct bw_key key;
  uint64_t bits; /* bit k: active on day last - k */
  uint32_t account;
  uint16_t last, first; /* 0: never active */
  uint16_t dept;
  uint8_t flags;
  uint32_t moved_to; /* of USER_MOVED: the account */
};
enum {
  USER_MOVED = 1,
  USER_SIGNED_IN = 2, /* on day `last` */
  USER_RETURNED = 4   /* times the days on which one who moved was active where he was */
};
#define RETURNS 10 /* who was there so often has not moved */
struct sharing {   /* of one user; only where records tell devices apart */
  uint32_t hour;
  uint32_t seen[4]; /* distinct in that hour */
  uint16_t days[7]; /* the newest sharing days */
  uint8_t nseen, ndays;
};
struct plan {
  struct bw_key key;
  uint32_t nlimits;
  struct limit *limits;
  double seat_price;
};

/* ---- what records leave to be counted, in pieces (stage.c) ---- */
enum op_code {
  OP_EVENT,     /* arg: EVENT_ bits; before; id: of a feature's name or 0; capped: of the meter in arg */
  OP_SIGN_IN,   /* */
  OP_FEATURE,   /* id: of its name */
  OP_COUNT,     /* arg: counter kind; id: key */
  OP_METER,     /* arg: meter; quantity */
  OP_RATE,      /* arg: meter; capped, ms */
  OP_DEPT,      /* id: of its name; user */
  OP_STEP,      /* arg: pattern + MAX_PATTERNS * step; user, ms */
  OP_SHARER,    /* user */
  OP_MOVED_OUT, /* other; arg: 1 where it is taken back */
  OP_MOVED_IN,  /* likewise */
  OP_CODES
};
enum {
  EVENT_TRACK = 1,
  EVENT_ACTIVE = 2,
  EVENT_USER_DAY = 4,   /* one that was not yet counted */
  EVENT_NEWEST_DAY = 8, /* and it is the user's newest */
  EVENT_SIGN_IN = 16,
  EVENT_METER = 32 /* times the meter + 1; 0: none */
};
#define EVENT_METERS 7 /* meters 0..6 fit */
struct op {
  uint32_t account;
  uint16_t day;
  uint8_t code, arg;
  union {
    uint64_t quantity;
    struct {
      union {
        uint32_t user;   /* BW_NONE: not known */
        uint32_t other;  /* account */
        uint32_t capped; /* quantity, at most UINT32_MAX */
      };
      union {
        uint32_t ms; /* since the day began */
        struct {
          uint16_t id;
          uint16_t before; /* the user's newest day until then, 0: none */
        };
      };
    };
  };
};
struct stage {
  struct op *ops, *spare;
  uint32_t event;             /* place of the newest OP_EVENT */
  uint32_t n, room, flush_at; /* flush_at may be anything: it costs time or memory, and changes no result */
};
#define FLUSH_AT (1u << 20) /* 2 x 16 MB when full; a quiet daemon needs kilobytes */

/* ---- the fleet ---- */
struct fleet {
  struct bw_series events, users; /* by event day */
  struct bw_series gaps;          /* longest silence that ended on the day, minutes */
  struct {
    int32_t day;
    uint32_t events, users;
  } now;       /* of one day, not yet in the series */
  int32_t day; /* as-of day of the last daily pass */
  /* median log change of the windows: events, active users, their days, login days */
  double log_ratio, user_log_ratio, day_log_ratio, login_log_ratio;
  uint32_t accounts;                                                           /* that it is over */
  double breadth_cut[2], login_cut[2], automation_cut[2], seat_cut, limit_cut; /* [0] to open, [1] to stay */
  double broad_cut;                                                            /* to stay by breadth over a longer window */
  bool dip, spike, silent;
  uint16_t dead_days[64]; /* days on which the whole feed was (nearly) silent, a ring */
  uint32_t ndead;
  int32_t dead_checked, first_day; /* first_day: of the first daily pass */
};

struct trend_memo { /* the trend of one meter, last asked for */
  int64_t at_ms;    /* 0: of none */
  uint32_t account;
  int32_t day;
  bool rising;
  struct bw_trend trend;
};

struct usage {
  const struct bw_host *host;
  struct config cfg;
  struct bw_keyed accounts, users, plans;
  struct bw_intern names;
  struct bw_arena activities;
  struct bw_chunks sharing; /* parallel to users, as far as used */
  struct bw_pool *pool;
  struct stage stage;
  uint8_t used_features[8192]; /* a bit per name: some account used a feature of that name */
  struct meaning *meanings;
  uint32_t nmeanings;
  uint64_t seed;
  bool own_hash, hash_checked;
  uint32_t *touched;
  uint32_t ntouched, captouched;
  int64_t tick, newest; /* ms */
  int32_t tick_day;     /* UTC day of the last tick, -1: none */
  uint64_t future, late_or_bad, no_account, full_users, full_accounts;
  int32_t told_future, told_full, told_names; /* day of the last notice, -1000: never */
  struct fleet fleet;
  struct bw_buf evidence;
  double *scratch;
  uint32_t nscratch;
  struct trend_memo trends[MAX_METERS];
  int32_t rc; /* what the host last answered, if negative */
};

/* Room for one more in an array whose capacity is the next power of two. */
static inline void *grown(void *p, uint32_t n, size_t size)
{
  if ((n & (n - 1)) == 0)
    p = bw_realloc(p, n ? (size_t)n * 2 : 1, size);
  return p;
}

/* config.c, options.c */
int config_read(struct usage *u, const struct bw_open_args *args, struct bw_error *err);
void config_clear(struct config *c);
const struct meaning *meaning_of(struct usage *u, const struct bw_record *r, struct meaning *spare);
static inline double option_number(const struct usage *u, enum option_id id)
{
  return u->cfg.value[id].number;
}
static inline int32_t option_days(const struct usage *u, enum option_id id)
{
  return (int32_t)(u->cfg.value[id].integer / BW_DAY);
}
const struct bw_field *field_of(const struct bw_record *r, const struct field_set *set); /* NULL: none of them is there */

/* feed.c, actions.c */
int32_t feed_batch(struct usage *u, const struct bw_batch *batch);
void fleet_settle(struct usage *u); /* the fleet's series are up to date after it only */
struct account *account_get(struct usage *u, struct bw_str name, uint64_t hash, uint32_t *ret_index);
struct activity *activity_get(struct usage *u, struct account *a);
void activity_clear(struct usage *u, struct activity *act);
void touch(struct usage *u, struct account *a, uint32_t index);
/* op is the piece to begin with: its account and day are set. */
void act_on(struct usage *u, const struct bw_record *r, struct op op, uint32_t user, const struct rule_of_event *rule);
void see_device(struct usage *u, const struct bw_record *r, struct op op, uint32_t user);
struct sharing *sharing_of(struct usage *u, uint32_t user, bool make);
static inline uint32_t hash_of(const struct usage *u, struct bw_str s, uint64_t given)
{
  return bw_hash_fold(u->own_hash ? bw_hash_str(s, u->seed) : given);
}

/* users.c; name_hash is hash_of() the name */
#define NAMESAKES 8 /* a name that so many accounts have is nobody in particular */
uint32_t user_find(const struct usage *u, uint32_t name_hash, struct bw_str name, uint32_t account); /* or BW_NONE */
uint32_t user_get(struct usage *u, uint32_t name_hash, struct bw_str name, uint32_t account); /* adds; BW_NONE: no room */
/* The users of this name, the first NAMESAKES of them. */
uint32_t user_namesakes(const struct usage *u, uint32_t name_hash, struct bw_str name, uint32_t *ret_users);
void users_index(struct usage *u); /* anew, from the entries */

/* stage.c, apply.c: activities are up to date after a flush only */
void stage_put(struct stage *s, struct op op);
void stage_event(struct stage *s, struct op op);
/* What belongs to the newest event; the first of each kind travels with it, and for most records that is all. */
void stage_sign_in(struct stage *s, struct op op);
void stage_feature(struct stage *s, struct op op, uint16_t id);
void stage_meter(struct stage *s, struct op op, uint8_t meter, uint64_t quantity);
void stage_flush(struct usage *u);
void stage_clear(struct stage *s);
void apply(struct usage *u, const struct op *ops, uint32_t n); /* of one account */
/* Ahead of an account's turn its memory is asked for, step by step down the chain of pointers. */
void ahead_activity(const struct activity *act);
void ahead_tables(const struct activity *act);
void ahead_blocks(const struct usage *u, const struct activity *act);
void activity_flush(struct usage *u, struct activity *act);
const struct counter *counter_find(const struct activity *act, uint16_t kind, uint16_t key);

/* facts.c */
void facts_take(struct usage *u, const struct bw_record *r);
void facts_clear(struct facts *f);
double facts_limit(const struct usage *u, const struct facts *f, uint16_t key); /* negative: none */
double facts_seats(const struct facts *f);                                      /* negative: none */
bool facts_paid(const struct usage *u, const struct facts *f);
bool facts_free(const struct usage *u, const struct account *a);
bool facts_owns(const struct facts *f, uint16_t product);

/* merger.c */
void merger_user(struct usage *u, uint32_t user, int32_t day);   /* who is active for the first time */
void merger_stayed(struct usage *u, uint32_t user, int32_t day); /* who moved, and is active where he was */
void merger_note(struct activity *from, uint32_t to, int32_t day);
void merger_take_back(struct activity *from, uint32_t to);
void merger_account(struct usage *u, uint32_t index, int32_t day, int64_t at_ms);
bool merger_holds_decline(const struct usage *u, const struct account *a, int32_t day);
bool merger_holds_growth(const struct usage *u, const struct account *a, int32_t day);

/* fleet.c */
void fleet_daily(struct usage *u, int32_t day, int64_t at_ms);
void fleet_gap(struct usage *u, int64_t ms, int32_t day);
void fleet_hourly(struct usage *u, int64_t at_ms);
bool fleet_dead(const struct usage *u, int32_t day);
static inline bool fleet_holds(const struct usage *u)
{
  return u->cfg.value[OPT_FLEET_HOLD].integer && (u->fleet.dip || u->fleet.silent);
}

/* The windows of everybody still hold a holiday: levels that are not compared with the fleet say nothing downward. */
static inline bool fleet_low(const struct usage *u)
{
  return fleet_holds(u) ||
         (u->cfg.value[OPT_FLEET_HOLD].integer && (u->fleet.log_ratio < -0.15 || u->fleet.day_log_ratio < -0.15));
}

/* evaluate.c */
struct eval {
  struct usage *u;
  struct account *a;
  struct activity *act;
  uint32_t index;
  int32_t day; /* windows end on it */
  int64_t at_ms;
  bool daily;
};
void evaluate_tick(struct usage *u, const struct bw_record *tick);
void ahead_of_account(const struct usage *u, uint32_t index); /* where accounts are walked by number */
/* Moves the episode on; a step other than NONE wants evidence (ev_...) and then speak(). */
enum bw_step judge(struct eval *e, enum signal_id sig, uint32_t key, enum bw_known known, double value);
/* It lives by value and is spoken of by told: the highest of late keeps it open, and what is told is so today. */
enum bw_step judge_told(struct eval *e, enum signal_id sig, uint32_t key, enum bw_known known, double value, double told);
enum bw_step judge_by(struct eval *e, enum signal_id sig, uint32_t key, enum bw_known known, double value,
                      const struct bw_rule *rule);
void speak(struct eval *e, enum signal_id sig, uint32_t key, enum bw_step step, double value, double threshold,
           double strength);
bool is_open(const struct eval *e, enum signal_id sig, uint32_t key);
/* The least volume: half of it is enough for an episode that is open, or it would flap where the volume wobbles. */
double least_volume(const struct eval *e, enum signal_id sig, uint32_t key);
void notice(struct usage *u, uint32_t severity, int64_t at_ms, struct bw_str account, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* Evidence: an object, opened by ev_begin and closed by speak(). */
struct bw_buf *ev_begin(struct eval *e);
void ev_num(struct eval *e, const char *key, double v);
void ev_day(struct eval *e, const char *key, int32_t day);
void ev_str(struct eval *e, const char *key, struct bw_str s);
void ev_window(struct eval *e, const char *key, int32_t from, int32_t to);
void ev_weeks(struct eval *e, const struct bw_series *s, uint32_t weeks);
/* Measures, all over whole days up to e->day. */
uint32_t mau_on(const struct usage *u, const struct activity *act, int32_t day, int32_t window);
double sum_back(const struct eval *e, const struct bw_series *s, int32_t window, int32_t ago);
double seats_used(const struct eval *e);
double seats_lately(const struct eval *e, double used, int32_t days);
uint32_t breadth_on(const struct eval *e, int32_t day, int32_t window);
double meter_used(const struct eval *e, const struct meter *m, const struct counter *c, int32_t window);
double meter_highest(const struct eval *e, const struct meter *m, const struct counter *c, int32_t days);
bool meter_trend(const struct eval *e, const struct meter *m, const struct counter *c, double limit, struct bw_trend *ret_t,
                 struct bw_forecast *ret_days);

/* checks_long.c: a window against the account's own year, week by week. */
struct long_change {
  bool known;                   /* there was history and volume enough to compare */
  double now, usual, lowest;    /* the window; what the earlier weeks make of one; the lowest of that length among them */
  double change, ratio, chance; /* change: everybody else's divided out */
  uint32_t weeks, weeks_before;
};
struct long_change long_compare(const struct eval *e, int32_t window, bool open);
/* Does it open a decline that the month's value does not?  It looks at fewer weeks too; *l is then what showed it. */
bool long_opens(const struct eval *e, struct long_change *l, enum bw_known known, double value);
void long_speak(struct eval *e, enum bw_step step, const struct long_change *l);

/* checks_*.c */
void check_seats(struct eval *e);
void check_seats_daily(struct eval *e);
void check_limits(struct eval *e);
void check_limits_daily(struct eval *e);
void check_change(struct eval *e);
void check_silence(struct eval *e);
void check_adoption(struct eval *e);
void check_counters(struct eval *e);
void check_spread(struct eval *e);

/* traits.c */
void traits_publish(struct eval *e);
void traits_hourly(struct eval *e);

/* persist.c */
int32_t usage_save(void *self, const struct bw_save_args *args);
int32_t usage_load(void *self, const struct bw_load_args *args);

#endif

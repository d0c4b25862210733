/* SPDX-License-Identifier: Apache-2.0 */
/* Projection: what one record does to the picture.  core process, replay. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "book/private.h"

#define MAX_ID 512
#define MAX_TICKETS 64
#define MAX_TICKET_ID 96
#define MAX_ODD 200   /* words that are told of */
#define MAX_MENDED 16 /* numbers and days of one record that came as text */

/* One record at work on one entity. */
struct apply {
  struct bw_book *book;
  const struct bw_record *record;
  struct bw_entity *entity;
  bool crm;     /* as strong as an account record */
  bool quiet;   /* our own fields: no history */
  bool changed; /* somebody could see a difference */
  bool touched; /* something is to be saved */
  int rc;       /* of what is told in err */
  struct bw_error *err;
  char mended[MAX_MENDED][BW_NUMBER_TEXT];
  size_t nmended;
  char when[BW_TIME_TEXT], number[32]; /* texts of our own fields, until they are packed */
};

/* ---- one field ---- */

/* One record is one message, of all that is wrong with it; what has been left out gives it its code.  False: it is full. */
static bool tell(struct apply *a, int code, enum bw_error_class cls, const char *what)
{
  const struct bw_record *r = a->record;
  size_t len = a->rc ? strlen(a->err->message) : 0;
  if (a->rc && len + strlen(what) + 3 > sizeof a->err->message)
    return false;
  if (a->rc)
    (void)snprintf(a->err->message + len, sizeof a->err->message - len, "; %s", what);
  else
    a->rc = bw_fail(a->err, code, cls, "%s record at offset %llu (%s): %s", bw_kind_name(r->kind),
                    (unsigned long long)r->offset, bw_log_quote(bw_entity_id(a->entity)), what);
  if (a->rc == BW_ENOTFOUND && code != BW_ENOTFOUND) {
    a->rc = a->err->code = code;
    a->err->cls = cls;
  }
  return true;
}

static void refuse(struct apply *a, struct bw_str field, const char *why)
{
  char *what BW_AUTOFREE = bw_asprintf("the field %s was left out: %s", bw_log_quote(field), why);
  (void)tell(a, BW_ELIMIT, BW_CLASS_PERMANENT, what);
}

static struct work *find_work(struct bw_book *b, int name)
{
  size_t i;
  for (i = 0; i < b->nwork; i++)
    if (b->work[i].name == name)
      return &b->work[i];
  return NULL;
}

/* A place for a new field; a removed one's where the entity is full. */
static struct work *add_work(struct apply *a, struct bw_str key, size_t limit)
{
  struct bw_book *b = a->book;
  size_t i;
  int name = bw_name_add(b, key);
  if (name < 0) {
    refuse(a, key, "the book has too many different field names");
    return NULL;
  }
  for (i = 0; b->nwork >= limit && i < b->nwork; i++)
    if (b->work[i].type == BW_VALUE_NULL && !(b->work[i].flags & VALUE_HIDDEN)) {
      memmove(&b->work[i], &b->work[i + 1], (b->nwork - i - 1) * sizeof *b->work);
      b->nwork--;
    }
  if (b->nwork >= limit) {
    refuse(a, key, "there are 256 already");
    return NULL;
  }
  b->work[b->nwork] = (struct work){.name = (uint16_t)name, .type = BW_VALUE_NULL};
  return &b->work[b->nwork++];
}

static bool same_value(const struct work *w, const struct bw_field *f)
{
  if (w->type != f->type)
    return false;
  if (w->type == BW_VALUE_NUMBER || w->type == BW_VALUE_BOOL)
    return w->number == f->number;
  return bw_str_eq(w->text, f->text);
}

/*
 * May the record say something about a field that is there?  By event time, then by offset; and what an account record has set
 * is not for a group call to change, whenever it came.
 */
static bool may_set(const struct apply *a, const struct work *w, const struct bw_field *f)
{
  bool held = (w->flags & VALUE_CRM) && w->type != BW_VALUE_NULL;
  if (held && !a->crm)
    return false;
  if (a->crm && !(w->flags & VALUE_CRM) && w->type != BW_VALUE_NULL && f->type != BW_VALUE_NULL)
    return true;
  return a->record->time_ms > w->time || (a->record->time_ms == w->time && a->record->offset >= w->source);
}

static void replace(struct apply *a, struct work *w, const struct bw_field *f, bool fresh)
{
  if (!fresh && !a->quiet && !(w->flags & VALUE_HISTORY))
    bw_past_add(a->book, a->entity, w);
  w->text = f->type == BW_VALUE_NULL || f->type == BW_VALUE_BOOL ? BW_STR("") : f->text;
  w->number = f->type == BW_VALUE_NUMBER || f->type == BW_VALUE_BOOL ? f->number : 0;
  w->type = (uint8_t)f->type;
  w->source = a->record->offset;
  if (!fresh && !a->quiet) {
    w->flags |= VALUE_HISTORY;
    w->time = a->record->time_ms;
    bw_past_add(a->book, a->entity, w);
  }
}

/* Merges one value.  limit: how many fields the entity may have. */
static void set_field(struct apply *a, const struct bw_field *f, size_t limit)
{
  int name = bw_name_find(a->book, f->key);
  struct work *w = name < 0 ? NULL : find_work(a->book, name);
  bool fresh = !w;
  uint8_t flags;
  if (fresh && f->type == BW_VALUE_NULL)
    return;
  if (fresh && !(w = add_work(a, f->key, limit)))
    return;
  if (!fresh && !may_set(a, w, f))
    return;
  flags = w->flags;
  if (fresh || !same_value(w, f)) {
    replace(a, w, f, fresh);
    a->changed = a->touched = true;
  }
  if (w->type == BW_VALUE_NULL)
    w->flags &= (uint8_t)~VALUE_CRM;
  else if (a->crm)
    w->flags |= VALUE_CRM;
  a->touched |= w->time != a->record->time_ms || w->flags != flags;
  w->time = a->record->time_ms;
}

static void set_own(struct apply *a, const char *key, uint32_t type, struct bw_str text, double number)
{
  struct bw_field f = {bw_str(key), text, number, BW_SECTION_TRAITS, type};
  bool crm = a->crm, quiet = a->quiet;
  a->crm = a->quiet = true; /* what we derive ourselves is as good as what a CRM says */
  set_field(a, &f, BW_BOOK_MAX_FIELDS + 16);
  a->crm = crm;
  a->quiet = quiet;
}

static void set_own_text(struct apply *a, const char *key, struct bw_str text)
{
  if (text.len <= BW_BOOK_MAX_VALUE && bw_utf8_valid(text.data, text.len))
    set_own(a, key, text.len ? BW_VALUE_STRING : BW_VALUE_NULL, text, 0);
}

/* Puts one of our own fields whatever its time. */
static void put_own(struct apply *a, const char *key, uint32_t type, struct bw_str text, double number, uint8_t flags)
{
  int name = bw_name_find(a->book, bw_str(key));
  struct work *w = name < 0 ? NULL : find_work(a->book, name);
  struct bw_field f = {bw_str(key), text, number, BW_SECTION_TRAITS, type};
  if (!w && !(w = add_work(a, f.key, BW_BOOK_MAX_FIELDS + 16)))
    return;
  if (same_value(w, &f))
    return;
  w->type = (uint8_t)type;
  w->text = text;
  w->number = number;
  w->flags |= flags;
  w->source = a->record->offset;
  w->time = a->record->time_ms > w->time ? a->record->time_ms : w->time;
  a->touched = true;
  a->changed |= !(flags & VALUE_HIDDEN);
}

/* ---- traits ---- */

static const struct {
  uint32_t kind;
  const char *from, *to;
} aliases[] = {
    {BW_KIND_ACCOUNT, "start_date", "start"},      {BW_KIND_ACCOUNT, "renewal_date", "renewal"},
    {BW_KIND_GROUP, "start_date", "start"},        {BW_KIND_GROUP, "renewal_date", "renewal"},
    {BW_KIND_SUBSCRIPTION, "start_date", "start"}, {BW_KIND_SUBSCRIPTION, "end_date", "end"},
};

static bool acceptable(struct apply *a, const struct bw_field *f)
{
  const char *why = NULL;
  if (f->key.len == 0 || f->key.len > BW_BOOK_MAX_NAME || memchr(f->key.data, '\0', f->key.len) ||
      !bw_utf8_valid(f->key.data, f->key.len))
    why = "a name is 1 to 256 bytes of text";
  else if (f->text.len > BW_BOOK_MAX_VALUE)
    why = "its value is over 8 KiB";
  else if (!bw_utf8_valid(f->text.data, f->text.len))
    why = "its value is not UTF-8";
  else if (f->type > BW_VALUE_JSON)
    why = "it is of an unknown type";
  else if (bw_str_is(f->key, ACCOUNT_FIELD) || bw_str_is(f->key, ESCALATIONS_FIELD))
    why = "this name is reserved";
  if (why)
    refuse(a, f->key, why);
  return !why;
}

/* What no rule can read is kept as it is, and told of once. */
static void tell_odd(struct apply *a, const struct bw_field *f, const char *why)
{
  struct bw_str text = f->type != BW_VALUE_BOOL ? f->text : f->number != 0 ? BW_STR("true") : BW_STR("false");
  struct bw_buf key = {0};
  char *what BW_AUTOFREE = bw_asprintf("%.*s is %s, which is %s", BW_FMT(f->key), bw_log_quote(text), why);
  bw_buf_printf(&key, "%.*s %.*s", BW_FMT(f->key), BW_FMT(text));
  if (bw_map_count(a->book->odd) < MAX_ODD && !bw_map_get(a->book->odd, bw_buf_str(&key)) &&
      tell(a, BW_ENOTFOUND, BW_CLASS_CONFIG, what))
    (void)bw_map_put(a->book->odd, bw_buf_str(&key), a->book);
  bw_buf_clear(&key);
}

static void tell_odd_word(struct apply *a, const struct bw_field *f)
{
  struct bw_buf why = {0};
  bw_word_advise(a->entity->kind, f->key, &why);
  tell_odd(a, f, bw_buf_cstr(&why));
  bw_buf_clear(&why);
}

/* As rules read it: words in their one spelling, amounts and days as what they are, nobody as nobody. */
static void spell(struct apply *a, struct bw_field *f)
{
  bool odd;
  const char *word, *why;
  if (f->type != BW_VALUE_STRING) {
    if (f->type != BW_VALUE_NULL && bw_word_expected(a->entity->kind, f->key))
      tell_odd_word(a, f); /* a health of 35 is no word either */
    if ((why = bw_number_mend(a->entity->kind, f, NULL)))
      tell_odd(a, f, why);
    return;
  }
  if (bw_word_names_nobody(a->entity->kind, f->key, f->text)) {
    f->type = BW_VALUE_NULL;
    f->text = BW_STR("");
    return;
  }
  word = bw_word_find(a->entity->kind, f->key, f->text, &odd);
  if (word)
    f->text = bw_str(word);
  else if (odd)
    tell_odd_word(a, f);
  if (!bw_word_is_language(a->entity->kind, f->key, f->text))
    tell_odd(a, f, "no language that is known: drafts are in English until it is a code such as de");
  if (a->nmended == MAX_MENDED)
    return;
  why = bw_number_mend(a->entity->kind, f, a->mended[a->nmended]);
  a->nmended += !why && f->text.data == a->mended[a->nmended];
  if (why)
    tell_odd(a, f, why);
}

static void merge_traits(struct apply *a)
{
  const struct bw_record *r = a->record;
  uint32_t i;
  size_t k;
  for (i = 0; i < r->nfields; i++) {
    struct bw_field f = r->fields[i];
    if (f.section != BW_SECTION_TRAITS || !acceptable(a, &f))
      continue;
    spell(a, &f);
    set_field(a, &f, BW_BOOK_MAX_FIELDS);
    for (k = 0; k < sizeof aliases / sizeof *aliases; k++)
      if (aliases[k].kind == r->kind && bw_str_is(f.key, aliases[k].from) &&
          !bw_record_field(r, BW_SECTION_TRAITS, aliases[k].to)) {
        f.key = bw_str(aliases[k].to);
        set_field(a, &f, BW_BOOK_MAX_FIELDS);
      }
  }
}

static void on_traits(struct apply *a)
{
  a->crm = a->record->kind != BW_KIND_GROUP;
  if ((a->entity->kind == BW_ENTITY_CONTACT || a->entity->kind == BW_ENTITY_OPPORTUNITY) && a->record->account.len) {
    struct bw_field f = {BW_STR(ACCOUNT_FIELD), a->record->account, 0, BW_SECTION_TRAITS, BW_VALUE_STRING};
    int name;
    set_field(a, &f, BW_BOOK_MAX_FIELDS + 16);
    name = bw_name_find(a->book, f.key);
    if (name >= 0 && find_work(a->book, name))
      find_work(a->book, name)->flags |= VALUE_HIDDEN;
  }
  merge_traits(a);
}

/* ---- activities, surveys, tickets ---- */

static struct bw_str trait(const struct apply *a, const char *key)
{
  return bw_record_text(a->record, BW_SECTION_TRAITS, key);
}

static bool is_any(struct bw_str s, const char *const *words)
{
  while (*words && !bw_word_is(s, *words))
    words++;
  return *words != NULL;
}

static bool is_commercial(struct bw_str kind, struct bw_str direction)
{
  static const char *const kinds[] = {"call", "meeting", "proposal", "qbr", NULL}, *const out[] = {"outbound", "out", NULL};
  return is_any(kind, kinds) || (bw_word_is(kind, "email") && is_any(direction, out));
}

/* Counted by offset, not by time: a late activity is one more. */
static void count_touch(struct apply *a)
{
  int name = bw_name_find(a->book, BW_STR("touches"));
  const struct work *w = name < 0 ? NULL : find_work(a->book, name);
  double n = w && w->type == BW_VALUE_NUMBER ? w->number : 0;
  int len;
  if (w && a->record->offset <= w->source)
    return;
  len = bw_number_format(n + 1, a->number);
  put_own(a, "touches", BW_VALUE_NUMBER, bw_str_n(a->number, (size_t)len), n + 1, 0);
}

static void on_activity(struct apply *a)
{
  struct bw_str by = trait(a, "by"), kind = trait(a, "kind"), when;
  struct bw_str csm = bw_entity_text(a->entity, "csm");
  bw_time_format(a->record->time_ms, a->when);
  when = bw_str(a->when);
  set_own_text(a, "last_touch", when);
  set_own_text(a, "last_touch_by", by);
  set_own_text(a, "last_touch_kind", kind);
  if ((by.len && bw_str_eq(by, csm)) || bw_word_is(trait(a, "by_role"), "csm"))
    set_own_text(a, "last_csm_touch", when);
  if (is_commercial(kind, trait(a, "direction")))
    set_own_text(a, "last_commercial_touch", when);
  count_touch(a);
}

static void on_survey(struct apply *a)
{
  static const struct {
    const char *kind, *score, *at;
  } surveys[] = {{"nps", "last_nps", "last_nps_at"}, {"csat", "last_csat", "last_csat_at"}, {"ces", "last_ces", "last_ces_at"}};
  double score = bw_record_number(a->record, BW_SECTION_TRAITS, "score", -1e9);
  size_t i;
  int len;
  for (i = 0; i < sizeof surveys / sizeof *surveys; i++)
    if (bw_word_is(trait(a, "kind"), surveys[i].kind) && score > -1e9) {
      len = bw_number_format(score, a->number);
      set_own(a, surveys[i].score, BW_VALUE_NUMBER, bw_str_n(a->number, (size_t)len), score);
      bw_time_format(a->record->time_ms, a->when);
      set_own_text(a, surveys[i].at, bw_str(a->when));
    }
}

/* A ticket that has been escalated at some time. */
struct ticket {
  struct bw_str id;
  int64_t time;
  bool escalated, closed;
};

static size_t read_tickets(struct bw_str text, struct ticket *out)
{
  struct bw_reader in = bw_reader(text.data, text.len);
  size_t n = 0;
  while (n < MAX_TICKETS && bw_reader_left(&in) > 0 && !in.bad) {
    uint8_t bits;
    out[n].id = bw_read_lstr(&in);
    out[n].time = bw_read_svarint(&in);
    bits = bw_read_u8(&in);
    out[n].escalated = bits & 1;
    out[n].closed = bits & 2;
    n += !in.bad;
  }
  return n;
}

/* Room for one more: the closed one of the oldest time goes, then the open one. */
static size_t evict(struct ticket *t, size_t n)
{
  size_t i, worst = 0;
  if (n < MAX_TICKETS)
    return n;
  for (i = 1; i < n; i++) {
    bool gone = t[i].closed || !t[i].escalated, worst_gone = t[worst].closed || !t[worst].escalated;
    if (gone != worst_gone ? gone : t[i].time < t[worst].time)
      worst = i;
  }
  memmove(t + worst, t + worst + 1, (n - worst - 1) * sizeof *t);
  return n - 1;
}

/* -1 unsaid, 0, 1 */
static int yes_or_no(const struct apply *a, const char *key)
{
  const struct bw_field *f = bw_record_field(a->record, BW_SECTION_TRAITS, key);
  if (!f || f->type == BW_VALUE_JSON)
    return -1;
  if (f->type == BW_VALUE_BOOL || f->type == BW_VALUE_NUMBER)
    return f->number != 0;
  return f->type == BW_VALUE_STRING && bw_word_says_yes(f->text);
}

static void write_tickets(struct apply *a, const struct ticket *t, size_t n)
{
  struct bw_buf *out = &a->book->scratch;
  size_t i, open = 0;
  int len;
  bw_buf_reset(out);
  for (i = 0; i < n; i++) {
    bw_buf_add_lstr(out, t[i].id);
    bw_buf_add_svarint(out, t[i].time);
    bw_buf_add_u8(out, (uint8_t)(t[i].escalated | t[i].closed << 1));
    open += t[i].escalated && !t[i].closed;
  }
  len = bw_number_format((double)open, a->number);
  put_own(a, ESCALATIONS_FIELD, BW_VALUE_STRING, bw_buf_str(out), 0, VALUE_HIDDEN);
  put_own(a, "open_escalations", BW_VALUE_NUMBER, bw_str_n(a->number, (size_t)len), (double)open, 0);
}

static void on_ticket(struct apply *a)
{
  static const char *const closed[] = {"closed", "solved", "resolved", "done", "cancelled", "canceled", NULL};
  struct ticket t[MAX_TICKETS], now = {.id = a->record->subject, .time = a->record->time_ms};
  size_t n = read_tickets(bw_entity_raw(a->entity, ESCALATIONS_FIELD), t), i;
  int escalated = yes_or_no(a, "escalated");
  struct bw_str status = trait(a, "status");
  if (now.id.len > MAX_TICKET_ID) {
    refuse(a, BW_STR("ticketId"), "it is over 96 bytes");
    return;
  }
  for (i = 0; i < n && !bw_str_eq(t[i].id, now.id); i++)
    ;
  if (i == n && escalated != 1)
    return;
  if (i < n && t[i].time > now.time)
    return;
  if (i == n) {
    i = n = evict(t, n);
    t[n++] = now;
  }
  t[i].time = now.time;
  if (escalated >= 0)
    t[i].escalated = escalated;
  if (status.len)
    t[i].closed = is_any(status, closed);
  write_tickets(a, t, n);
}

/* ---- records ---- */

/* By kind of record; without a function: it says nothing about the book, as nearly all records. */
static const struct handler {
  enum bw_entity_kind entity;
  bool by_subject; /* whose id it is: the subject's, or the account's */
  bool needs_id;   /* without it the record is an error, not merely unresolved */
  void (*run)(struct apply *a);
} handlers[BW_KIND_COUNT] = {
    [BW_KIND_ACCOUNT] = {BW_ENTITY_ACCOUNT, false, true, on_traits},
    [BW_KIND_GROUP] = {BW_ENTITY_ACCOUNT, false, false, on_traits},
    [BW_KIND_CONTACT] = {BW_ENTITY_CONTACT, true, true, on_traits},
    [BW_KIND_PLAN] = {BW_ENTITY_PLAN, true, true, on_traits},
    [BW_KIND_SUBSCRIPTION] = {BW_ENTITY_SUBSCRIPTION, false, true, on_traits},
    [BW_KIND_OPPORTUNITY] = {BW_ENTITY_OPPORTUNITY, true, true, on_traits},
    [BW_KIND_ACTIVITY] = {BW_ENTITY_ACCOUNT, false, false, on_activity},
    [BW_KIND_SURVEY] = {BW_ENTITY_ACCOUNT, false, false, on_survey},
    [BW_KIND_TICKET] = {BW_ENTITY_ACCOUNT, false, false, on_ticket},
};

static int mark_subscriber(void *ctx, const struct bw_entity *e)
{
  const struct bw_entity *plan = ctx;
  if (bw_str_eq(bw_entity_text(e, "plan"), bw_entity_id(plan)))
    bw_book_mark_changed(plan->book, bw_entity_id(e));
  return 0;
}

static void mark(struct bw_entity *e)
{
  if (e->kind == BW_ENTITY_PLAN)
    bw_book_each(e->book, BW_ENTITY_SUBSCRIPTION, mark_subscriber, e);
  else
    bw_book_mark_changed(e->book, bw_entity_account(e));
}

static void finish(struct apply *a, bool fresh)
{
  struct bw_book *b = a->book;
  struct bw_entity *e = a->entity;
  bool member = e->kind == BW_ENTITY_CONTACT || e->kind == BW_ENTITY_OPPORTUNITY;
  struct bw_str before = bw_entity_account(e);
  char *from BW_AUTOFREE = member ? bw_str_dup(before) : NULL;
  if (!a->touched && !fresh)
    return;
  if (a->changed && !fresh)
    mark(e); /* the account that it leaves */
  bw_entity_pack(e);
  if (fresh)
    bw_index_add(b, e);
  if (member)
    bw_index_move(b, e, fresh ? BW_STR("") : bw_str(from), bw_entity_account(e));
  if (a->changed || fresh)
    mark(e);
  if (e->dirty)
    return;
  e->dirty = true;
  if (b->ndirty == b->dirty_cap) {
    b->dirty_cap = b->dirty_cap ? b->dirty_cap * 2 : 64;
    b->dirty = bw_realloc(b->dirty, b->dirty_cap, sizeof *b->dirty);
  }
  b->dirty[b->ndirty++] = e;
}

static int apply_one(struct bw_book *b, const struct handler *h, const struct bw_record *r, struct bw_error *err)
{
  struct bw_error own;
  struct apply a = {.book = b, .record = r, .err = err ? err : &own};
  struct bw_str id = h->by_subject ? r->subject : r->account;
  union {
    const struct bw_entity *found;
    struct bw_entity *ours;
  } e;
  bool fresh;
  if (id.len == 0 && !h->needs_id)
    return BW_OK; /* not resolved to an account: counted where that is decided */
  if (id.len == 0 || id.len > MAX_ID || r->account.len > MAX_ID || memchr(id.data, '\0', id.len) ||
      (r->account.len && memchr(r->account.data, '\0', r->account.len)))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "%s record at offset %llu: its id must be 1 to %d bytes of text",
                   bw_kind_name(r->kind), (unsigned long long)r->offset, MAX_ID);
  e.found = bw_book_find(b, h->entity, id);
  fresh = !e.found;
  a.entity = fresh ? bw_entity_new(b, h->entity, id) : e.ours;
  bw_entity_unpack(a.entity);
  h->run(&a);
  finish(&a, fresh);
  return a.rc;
}

uint64_t bw_book_kinds(void)
{
  uint64_t kinds = 0;
  uint32_t k;
  for (k = 0; k < BW_KIND_COUNT; k++)
    if (handlers[k].run)
      kinds |= BW_KIND_BIT(k);
  return kinds;
}

int bw_book_apply(struct bw_book *b, const struct bw_record *r, struct bw_error *err)
{
  const struct handler *h = r->kind < BW_KIND_COUNT ? &handlers[r->kind] : NULL;
  return h && h->run ? apply_one(b, h, r, err) : BW_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* An outcome as an opportunity record, as it goes into the journal.  Runs in core. */
#include <math.h>

#include "base/json.h"
#include "deals/private.h"

/* The texts of the record live in one buffer that may move: fields hold offsets until the end. */
struct writer {
  struct bw_deals *d;
  size_t at[RECORD_FIELDS];
  uint32_t n;
};

static void put_field(struct writer *w, const char *key, uint32_t type, struct bw_str text, double number)
{
  struct bw_deals *d = w->d;
  BW_ASSERT(w->n < RECORD_FIELDS);
  w->at[w->n] = d->text.len;
  bw_buf_add_str(&d->text, text);
  d->fields[w->n++] =
      (struct bw_field){.key = bw_str(key), .text = {NULL, text.len}, .number = number, BW_SECTION_TRAITS, type};
}

static void put_text(struct writer *w, const char *key, const char *text)
{
  if (text[0])
    put_field(w, key, BW_VALUE_STRING, bw_str(text), 0);
}

/* What may have been there before, and is not any more, is said to be nothing. */
static void put_or_null(struct writer *w, const char *key, const char *text)
{
  put_field(w, key, text[0] ? BW_VALUE_STRING : BW_VALUE_NULL, bw_str(text), 0);
}

static void put_number(struct writer *w, const char *key, double v)
{
  char text[32];
  if (isfinite(v))
    put_field(w, key, BW_VALUE_NUMBER, bw_str_n(text, (size_t)bw_number_format(v, text)), v);
}

/* The kinds that opportunity records know: what is won back counts as new. */
static const char *kind_of(const char *motion)
{
  return strcmp(motion, "revival") == 0 ? "new" : motion;
}

static void put_fields(struct writer *w, const struct bw_deal *p, const struct entry *e)
{
  static const struct {
    const char *key;
    enum bw_deal_text text;
  } texts[] = {{"name", BW_DEAL_NAME},
               {"pipeline", BW_DEAL_PIPELINE},
               {"motion", BW_DEAL_MOTION},
               {"type", BW_DEAL_TYPE},
               {"play", BW_DEAL_PLAY},
               {"stage", BW_DEAL_STAGE},
               {"currency", BW_DEAL_CURRENCY},
               {"source", BW_DEAL_SOURCE},
               {"owner", BW_DEAL_OWNER},
               {"owner_role", BW_DEAL_OWNER_ROLE},
               {"lead_owner", BW_DEAL_LEAD_OWNER},
               {"csm", BW_DEAL_CSM},
               {"champion", BW_DEAL_CHAMPION},
               {"champion_name", BW_DEAL_CHAMPION_NAME},
               {"economic_buyer", BW_DEAL_BUYER},
               {"economic_buyer_name", BW_DEAL_BUYER_NAME},
               {"basewatch_lead", BW_DEAL_LEAD},
               {"basewatch_opportunity", BW_DEAL_ID}};
  char day[11];
  size_t i;
  put_text(w, "created_by", "basewatch");
  put_text(w, "kind", kind_of(p->text[BW_DEAL_MOTION]));
  for (i = 0; i < sizeof texts / sizeof *texts; i++)
    put_text(w, texts[i].key, p->text[texts[i].text]);
  put_number(w, "amount", p->amount);
  if (p->close_at != BW_TIME_NONE) {
    bw_day_format(bw_time_day(p->close_at), day);
    put_text(w, "close_date", day);
  }
  put_or_null(w, "outcome", p->state == BW_DEAL_OPEN ? "" : bw_deal_state_name(p->state));
  put_or_null(w, "loss_reason", p->text[BW_DEAL_LOSS_REASON]);
  put_or_null(w, "split", p->text[BW_DEAL_SPLIT]);
  put_text(w, "said", bw_outcome_name(e->outcome));
  put_text(w, "by", e->who);
  put_or_null(w, "note", e->note);
  put_number(w, "entry", (double)e->number);
}

const struct bw_record *deal_record(struct bw_deals *d, const struct deal *deal, const struct entry *e)
{
  const struct bw_deal *p = &deal->pub;
  struct writer w = {.d = d};
  struct bw_record *r = &d->record;
  size_t id;
  uint32_t i;
  bw_buf_reset(&d->text);
  put_fields(&w, p, e);
  id = d->text.len;
  bw_buf_printf(&d->text, RECORD_PREFIX "%s:%lld", p->text[BW_DEAL_ID], (long long)e->number);
  for (i = 0; i < w.n; i++)
    d->fields[i].text.data = d->text.data + w.at[i];
  *r = (struct bw_record){.kind = BW_KIND_OPPORTUNITY, .nfields = w.n, .fields = d->fields, .time_ms = e->at};
  r->arrival_ms = e->recorded;
  r->account = deal_text(deal, BW_DEAL_ACCOUNT);
  r->subject = deal_text(deal, p->adopted ? BW_DEAL_CRM : BW_DEAL_ID);
  r->id = bw_str_n(d->text.data + id, d->text.len - id);
  return r;
}

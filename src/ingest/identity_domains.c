/* SPDX-License-Identifier: Apache-2.0 */
/* The domains that accounts list.  Runs in core and the command line, on text from anyone; no privileges. */
#include <stdlib.h>

#include "ingest/identity_tables.h"
#include "ingest/json.h"
#include "ingest/segment.h"

#define MAX_LISTED 256 /* domains that one account may list */

struct domain_list {
  char names[MAX_LISTED][256];
  size_t n;
};

static void list_add(struct domain_list *l, struct bw_str text)
{
  char domain[256], registrable[256];
  while (text.len && (text.data[0] == ' ' || text.data[0] == '@'))
    text = bw_str_n(text.data + 1, text.len - 1);
  while (text.len && text.data[text.len - 1] == ' ')
    text.len--;
  if (l->n == MAX_LISTED || text.len == 0 || text.len > 255)
    return;
  memcpy(domain, "x@", 2);
  if (text.len > 250)
    return;
  memcpy(domain + 2, text.data, text.len);
  /* A public suffix or a free mail provider in the list would claim strangers: passed over. */
  if (bw_email_domain(bw_str_n(domain, text.len + 2), l->names[l->n]) < 0 ||
      bw_registrable_domain(bw_str(l->names[l->n]), registrable) < 0 || bw_free_mail(bw_str(registrable)))
    return;
  l->n++;
}

static void list_text(struct domain_list *l, struct bw_str text)
{
  while (text.len) {
    const char *comma = memchr(text.data, ',', text.len);
    size_t n = comma ? (size_t)(comma - text.data) : (size_t)text.len;
    list_add(l, bw_str_n(text.data, n));
    n += comma != NULL;
    text = bw_str_n(text.data + n, text.len - n);
  }
}

/* The strings of an array.  The text has been checked as JSON where it came in, but is copied to stand before a NUL. */
static void list_json(struct domain_list *l, struct bw_str json)
{
  char *text BW_AUTOFREE = bw_alloc(json.len + 1 + BW_JSON_PADDING), *word BW_AUTOFREE = bw_alloc(json.len + 1);
  const char *p = text, *end;
  struct bw_json_error e;
  unsigned flags;
  int64_t n;
  memcpy(text, json.data, json.len);
  if (bw_json_skip(text, BW_JSON_MAX_DEPTH, true, &e) != text + json.len)
    return;
  while ((p = strchr(p, '"')) != NULL) {
    end = bw_json_string_end(p + 1, &flags);
    n = bw_json_unescape(p + 1, end, word, &e);
    if (n > 0)
      list_add(l, bw_str_n(word, (size_t)n));
    p = end + 1;
  }
}

void bw_identity_learn_domain(struct bw_identity *id, const char *domain, uint32_t account, uint64_t source)
{
  uint32_t at = bw_identity_intern(id, &id->domains, bw_str(domain));
  struct bw_id_listed *node;
  if (at == BW_NO_ENTRY || id->domains.entries[at].account == account)
    return;
  bw_identity_set_account(id, BW_DOMAINS, at, account, source);
  node = (struct bw_id_listed *)(void *)bw_alloc(sizeof *node);
  *node = (struct bw_id_listed){at, id->accounts.entries[account].listed};
  id->accounts.entries[account].listed = node;
}

void bw_identity_learn_domains(struct bw_identity *id, const struct bw_record *r)
{
  const struct bw_field *f = bw_record_field(r, BW_SECTION_TRAITS, "domains");
  struct domain_list *l;
  struct bw_id_listed *node;
  uint32_t account;
  size_t i;
  if (!f)
    f = bw_record_field(r, BW_SECTION_TRAITS, "domain");
  if (!f || (f->type != BW_VALUE_STRING && f->type != BW_VALUE_JSON))
    return;
  account = bw_identity_intern_account(id, r->account);
  if (account == BW_NO_ENTRY)
    return;
  l = bw_alloc(sizeof *l);
  if (f->type == BW_VALUE_JSON)
    list_json(l, f->text);
  else
    list_text(l, f->text);
  /* The list is the whole truth: what it no longer names is given up. */
  for (node = id->accounts.entries[account].listed; node; node = node->next) {
    const struct bw_id_entry *e = &id->domains.entries[node->domain];
    for (i = 0; i < l->n && !bw_str_is(e->key, l->names[i]); i++)
      ;
    if (i == l->n && e->account == account)
      bw_identity_set_account(id, BW_DOMAINS, node->domain, BW_NO_ENTRY, r->offset);
  }
  for (i = 0; i < l->n; i++)
    bw_identity_learn_domain(id, l->names[i], account, r->offset);
  free(l);
}

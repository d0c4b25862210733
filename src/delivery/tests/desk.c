/* SPDX-License-Identifier: Apache-2.0 */
/* What the outbox tests share. */
#include "delivery/tests/desk.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEMPLATE "To: dana@acme.example\nSubject: Room for the team\n\nbody\n"

void desk_make(struct desk *d)
{
  const char *tmp = getenv("TMPDIR");
  *d = (struct desk){0};
  (void)snprintf(d->dir, sizeof d->dir, "%s/bw-desk-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : P_tmpdir);
  if (!mkdtemp(d->dir))
    abort();
  d->maildir = bw_asprintf("%s/mail", d->dir);
  d->file = bw_asprintf("%s/store.db", d->dir);
}

static void remove_tree(const char *path)
{
  const struct dirent *e;
  DIR *dir = opendir(path);
  while (dir && (e = readdir(dir)) != NULL) {
    char *child = bw_asprintf("%s/%s", path, e->d_name);
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(child) < 0)
      remove_tree(child);
    free(child);
  }
  if (dir)
    (void)closedir(dir);
  (void)rmdir(path);
}

void desk_remove(struct desk *d)
{
  desk_close(d);
  remove_tree(d->dir);
  free(d->maildir);
  free(d->file);
}

static void notice(void *ctx, const struct bw_outbox_item *item, const char *message)
{
  struct desk *d = ctx;
  (void)item;
  d->notices++;
  (void)snprintf(d->said, sizeof d->said, "%s", message);
}

static void changed(void *ctx, const struct bw_outbox_item *item)
{
  struct desk *d = ctx;
  (void)item;
  d->changes++;
}

int desk_open(struct desk *d)
{
  const struct bw_schema *schemas[] = {&bw_drafts_schema, &bw_approvals_schema, &bw_delivery_schema};
  struct bw_outbox_config config = {.maildir = d->maildir,
                                    .from = "Ada Okafor <ada@vendor.example>",
                                    .sys = d->sys,
                                    .notice = notice,
                                    .changed = changed,
                                    .ctx = d};
  struct bw_error err = {0};
  int rc = bw_store_open(d->file, schemas, 3, &d->store, &err);
  if (rc < 0)
    (void)fprintf(stderr, "%s\n", err.message);
  else
    d->outbox = bw_outbox_new(d->store, &config);
  return rc;
}

void desk_close(struct desk *d)
{
  bw_outbox_free(&d->outbox);
  if (d->store)
    bw_store_close(&d->store);
}

int desk_draft(struct desk *d, const char *body)
{
  struct bw_templates *set = bw_templates_new();
  struct bw_complaints c = {.count = 0};
  struct bw_view view = {NULL, NULL};
  struct bw_draft first = {0}, second = {0};
  int rc = bw_templates_add(set, "t", "t", BW_STR(TEMPLATE), &c);
  if (rc == 0)
    rc = bw_draft_render(set, bw_templates_at(set, 0), &view, BW_STR(LEAD), NULL, NOW, &first, NULL);
  if (rc == 0)
    rc = bw_draft_rewrite(&first, BW_DRAFT_BODY, bw_str(body), BW_STR("eve"), NOW, &second, NULL);
  if (rc == 0)
    rc = bw_draft_save(d->store, &first, NULL);
  if (rc == 0)
    rc = bw_draft_save(d->store, &second, NULL);
  bw_draft_clear(&first);
  bw_draft_clear(&second);
  bw_templates_free(&set);
  return rc;
}

int desk_approve(struct desk *d)
{
  struct bw_draft draft = {0};
  struct bw_decision a = {0};
  struct bw_decision_request r = {
      .lead = BW_STR(LEAD), .who = BW_STR("ada@vendor.example"), .now = NOW, .review_until = BW_TIME_NONE};
  struct bw_error err = {0};
  int rc = bw_draft_load(d->store, BW_STR(LEAD), 0, &draft, &err);
  r.hash = bw_str(draft.hash);
  if (rc == 0)
    rc = bw_approve(d->store, &r, &a, &err);
  if (rc == 0)
    rc = bw_outbox_add(d->outbox, &a, BW_STR(""), NULL, &err);
  if (rc < 0)
    (void)fprintf(stderr, "%s\n", err.message);
  bw_decision_clear(&a);
  bw_draft_clear(&draft);
  return rc;
}

static void take_state(void *ctx, const struct bw_outbox_item *item)
{
  *(enum bw_outbox_state *)ctx = item->state;
}

enum bw_outbox_state desk_state(struct desk *d)
{
  enum bw_outbox_state st = 0;
  return bw_outbox_each(d->outbox, 0, take_state, &st, NULL) < 0 ? 0 : st;
}

size_t desk_files(const struct desk *d, const char *sub, struct bw_buf *ret)
{
  char *path = bw_asprintf("%s/%s", d->maildir, sub);
  const struct dirent *e;
  DIR *dir = opendir(path);
  size_t n = 0;
  while (dir && (e = readdir(dir)) != NULL) {
    char *child;
    FILE *f;
    if (e->d_name[0] == '.')
      continue;
    n++;
    child = bw_asprintf("%s/%s", path, e->d_name);
    f = ret ? fopen(child, "rb") : NULL;
    if (f) {
      bw_buf_reset(ret);
      bw_buf_reserve(ret, 65536);
      ret->len = fread(ret->data, 1, 65536, f);
      (void)fclose(f);
    }
    free(child);
  }
  if (dir)
    (void)closedir(dir);
  free(path);
  return n;
}

void desk_expected(struct desk *d, const char *body, struct bw_buf *ret)
{
  struct bw_draft draft = {0};
  struct bw_mail m = {.from = BW_STR("Ada Okafor <ada@vendor.example>"),
                      .to = BW_STR("dana@acme.example"),
                      .subject = BW_STR("Room for the team"),
                      .body = bw_str(body),
                      .date = NOW,
                      .lead = BW_STR(LEAD),
                      .version = 2};
  bw_buf_reset(ret);
  if (bw_draft_load(d->store, BW_STR(LEAD), 2, &draft, NULL) < 0)
    return;
  m.hash = bw_str(draft.hash);
  (void)bw_mail_build(&m, ret, NULL);
  bw_draft_clear(&draft);
}

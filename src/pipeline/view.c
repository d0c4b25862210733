/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the rules as a Mustache view.  Runs in core and in the replay; no privileges needed. */
#include "pipeline/view.h"

#include "base/json.h"

static void fill_text(struct bw_env_view *v, const struct bw_value *value, struct bw_view_value *ret)
{
  bw_buf_reset(&v->text);
  bw_value_text(&v->text, value);
  ret->type = BW_VIEW_TEXT;
  ret->text = bw_buf_str(&v->text);
}

static void fill(struct bw_env_view *v, const struct bw_value *value, struct bw_view_value *ret)
{
  switch (value->type) {
  case BW_TYPE_BOOL:
    ret->type = value->b ? BW_VIEW_TRUE : BW_VIEW_FALSE;
    break;
  case BW_TYPE_INT:
    ret->type = BW_VIEW_NUMBER;
    ret->number = (double)value->i;
    break;
  case BW_TYPE_DOUBLE:
    ret->type = BW_VIEW_NUMBER;
    ret->number = value->d;
    break;
  case BW_TYPE_STRING:
  case BW_TYPE_RANK:
    ret->type = BW_VIEW_TEXT;
    ret->text = value->s;
    break;
  case BW_TYPE_TIMESTAMP:
    ret->type = BW_VIEW_TIME;
    ret->time = value->i;
    break;
  case BW_TYPE_ERROR:
  case BW_TYPE_NULL:
    ret->type = BW_VIEW_MISSING;
    ret->hint = value->s;
    break;
  default:
    fill_text(v, value, ret);
  }
}

static void lookup(void *ctx, struct bw_str name, struct bw_view_value *ret)
{
  struct bw_env_view *v = ctx;
  struct bw_provenance from = {0};
  struct bw_value value;
  struct bw_error err;
  bw_buf_reset(&v->name);
  bw_buf_add_str(&v->name, name);
  if (bw_env_lookup(v->env, bw_buf_cstr(&v->name), &value, &from, &err) < 0) {
    bw_buf_reset(&v->text);
    bw_buf_add_cstr(&v->text, err.message);
    ret->type = BW_VIEW_MISSING;
    ret->hint = bw_buf_str(&v->text);
    return;
  }
  fill(v, &value, ret);
  bw_buf_reset(&v->provenance);
  bw_provenance_json(&v->provenance, &from);
  ret->provenance = bw_buf_str(&v->provenance);
}

struct bw_view bw_env_view(struct bw_env_view *v)
{
  return (struct bw_view){lookup, v};
}

void bw_env_view_clear(struct bw_env_view *v)
{
  bw_buf_clear(&v->name);
  bw_buf_clear(&v->provenance);
  bw_buf_clear(&v->text);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Where a value came from: which record, trait, signal or setting.  Runs in core and replays; no privileges. */
#include "base/json.h"
#include "base/time.h"
#include "names/private.h"

static const char *const provenance_names[] = {"nowhere", "record", "trait", "signal", "setting", "computed", "human"};

const char *bw_provenance_kind_name(enum bw_provenance_kind kind)
{
  return (size_t)kind < sizeof provenance_names / sizeof *provenance_names ? provenance_names[kind] : "";
}

void bw_provenance_json(struct bw_buf *b, const struct bw_provenance *p)
{
  bw_json_open(b, '{');
  bw_json_key(b, "kind");
  bw_json_cstr(b, bw_provenance_kind_name(p->kind));
  bw_json_key(b, "name");
  bw_json_str(b, p->name);
  if (p->offset) {
    bw_json_key(b, "offset");
    bw_json_int(b, (int64_t)p->offset);
  }
  if (p->episode) {
    bw_json_key(b, "episode");
    bw_json_int(b, (int64_t)p->episode);
  }
  if (p->at_ms != BW_TIME_NONE) {
    bw_json_key(b, "at");
    bw_json_time(b, p->at_ms);
  }
  bw_json_close(b, '}');
}

void bw_from_computed(struct bw_provenance *p, const char *how)
{
  if (p)
    *p = (struct bw_provenance){.kind = BW_FROM_COMPUTED, .name = bw_str(how), .at_ms = BW_TIME_NONE};
}

void bw_from_setting(struct bw_provenance *p, const char *what)
{
  if (p)
    *p = (struct bw_provenance){.kind = BW_FROM_SETTING, .name = bw_str(what), .at_ms = BW_TIME_NONE};
}

void bw_from_field(struct bw_provenance *p, const struct bw_entity *e, const char *what, const char *field)
{
  if (p)
    *p = (struct bw_provenance){
        .kind = BW_FROM_RECORD, .name = bw_str(what), .offset = bw_entity_source(e, field), .at_ms = BW_TIME_NONE};
}

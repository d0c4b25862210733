/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as each kind of control message: refused or accepted, never a crash; what is accepted obeys the table. */
#include <stdlib.h>

#include "control/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_command(struct bw_str text)
{
  const struct bw_command *cmd;
  json_t *args;
  size_t i;
  if (bw_command_parse(text, &cmd, &args, NULL))
    return;
  for (i = 0; i < cmd->nargs; i++)
    if (cmd->args[i].required && !json_object_get(args, cmd->args[i].name))
      abort();
  json_decref(args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct bw_str text = bw_str_n((const char *)data, size), source, batch;
  struct bw_reject *items;
  struct bw_ingested n;
  struct bw_error err;
  json_t *json;
  size_t count;
  int64_t arrival;
  try_command(text);
  bw_error_from_json(text, &err);
  (void)bw_ingested_parse(text, &n, NULL);
  (void)bw_ingest_decode(text, &arrival, &source, &batch, NULL);
  if (bw_rejects_parse(text, &json, &items, &count, NULL) == 0) {
    if (count > BW_CONTROL_REJECTS)
      abort();
    free(items);
    json_decref(json);
  }
  return 0;
}

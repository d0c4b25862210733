/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch lint`: is this configuration a good one?  Reads files only, without a daemon.  Runs in the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/internal.h"
#include "lint/lint.h"
#include "pipeline/setup.h"

/* The daemon's program, in whose sandbox plugins tell what they emit: beside this one, or where it was installed.  NULL:
   neither is there, and they are asked in this process. */
static char *host_program(void)
{
  static const char *const places[] = {"basewatchd", "../sbin/basewatchd"};
  char self[4096], *slash, *path;
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  size_t i;
  for (i = 0; n > 0 && i < sizeof places / sizeof *places; i++) {
    self[n] = '\0';
    slash = strrchr(self, '/');
    path = bw_asprintf("%.*s/%s", slash ? (int)(slash - self) : 0, self, places[i]);
    if (access(path, X_OK) == 0)
      return path;
    free(path);
  }
  return access(BW_SBINDIR "/basewatchd", X_OK) == 0 ? bw_strdup(BW_SBINDIR "/basewatchd") : NULL;
}

int bw_cmd_lint(struct bw_cli *cli)
{
  const char *dir = bw_cli_option(cli, "config"), *plugins = bw_cli_option(cli, "plugins");
  char *host = host_program();
  const struct bw_setup_options so = {plugins, host};
  struct bw_complaints complaints = {0};
  struct bw_setup *setup = NULL;
  struct bw_buf out = {0};
  struct bw_lint *lint;
  bool bad;
  if (!dir)
    dir = BW_SYSCONFDIR "/basewatch";
  if (bw_setup_load(dir, &so, &setup, &complaints) < 0)
    setup = NULL;
  lint = bw_lint_new(dir, setup, &complaints);
  if (cli->json) {
    bw_lint_json(lint, &out);
    bw_buf_add_char(&out, '\n');
  } else {
    bw_lint_text(lint, &out);
  }
  bw_cli_print(&out);
  bad = bw_lint_count(lint, BW_LINT_ERROR) > 0 || (bw_cli_option(cli, "strict") && bw_lint_count(lint, BW_LINT_WARNING) > 0);
  bw_buf_clear(&out);
  bw_lint_free(&lint);
  bw_setup_free(&setup);
  bw_complaints_clear(&complaints);
  free(host);
  return bad ? BW_EXIT_REFUSED : BW_EXIT_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `basewatch verify`: reads the whole database of a daemon that does not run.  In the command line, for core would answer
 * nobody meanwhile; needs the right to write the state directory, as whoever opens the store takes its lock.
 */
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "cli/internal.h"
#include "journal/journal.h"

/* What bw_store_open() would make anew is nothing to verify; and what another user makes beside the database, the daemon could
   not open. */
static int check_place(const char *path, struct bw_error *err)
{
  const struct passwd *owner;
  struct stat st;
  if (stat(path, &st) < 0)
    return bw_fail_errno(err, BW_ENOTFOUND,
                         "%s cannot be verified (the state directory is given by --state or BASEWATCH_STATE)", path);
  if (st.st_uid == geteuid())
    return BW_OK;
  owner = getpwuid(st.st_uid);
  return bw_fail(err, BW_ESTATE, BW_CLASS_CONFIG, "%s belongs to user %s (%u): run this as that user, as the daemon does", path,
                 owner ? owner->pw_name : "?", (unsigned)st.st_uid);
}

static int open_store(const struct bw_cli *cli, struct bw_store **ret_store, struct bw_error *err)
{
  const struct bw_schema *const schemas[] = {&bw_journal_schema};
  char *path BW_AUTOFREE = bw_asprintf("%s/basewatch.db", cli->state);
  int rc = check_place(path, err);
  return rc < 0 ? rc : bw_store_open(path, schemas, 1, ret_store, err);
}

static int read_all(struct bw_store *store, uint64_t *ret_found, struct bw_journal_stats *ret_stats, struct bw_error *err)
{
  struct bw_journal *journal = NULL;
  int rc = bw_store_check(store, err);
  if (rc == 0)
    rc = bw_journal_open(store, &journal, err);
  if (rc == 0)
    rc = bw_journal_verify(journal, ret_found, err);
  if (rc == 0)
    rc = bw_journal_stats(journal, ret_stats, err);
  bw_journal_close(&journal);
  return rc;
}

static void put_json(struct bw_buf *out, const char *doubt, uint64_t found, const struct bw_journal_stats *stats)
{
  bw_json_open(out, '{');
  bw_json_key(out, "ok");
  bw_json_bool(out, found == 0 && !doubt);
  bw_json_key(out, "doubt");
  bw_json_cstr(out, doubt);
  bw_json_key(out, "blocks");
  bw_json_int(out, (int64_t)stats->blocks);
  bw_json_key(out, "damaged");
  bw_json_int(out, (int64_t)found);
  bw_json_key(out, "lost_records");
  bw_json_int(out, (int64_t)stats->damaged_records);
  bw_json_close(out, '}');
  bw_buf_add_char(out, '\n');
}

static void put_text(struct bw_buf *out, const char *doubt, uint64_t found, const struct bw_journal_stats *stats)
{
  if (doubt)
    bw_buf_printf(out, "%s.\n\n", doubt);
  bw_buf_add_cstr(out, "The database is sound, and so are the ");
  bw_put_count(out, (int64_t)stats->blocks);
  bw_buf_add_cstr(out, " blocks of the journal");
  if (found) {
    bw_buf_add_cstr(out, " but for ");
    bw_put_count(out, (int64_t)found);
    bw_buf_add_cstr(
        out, ", named above: set aside in the table journal_damaged; the daemon goes on without them, so check the disk");
  }
  if (stats->damaged_records) {
    bw_buf_add_cstr(out, ".  Records lost to damage, ever: ");
    bw_put_count(out, (int64_t)stats->damaged_records);
  }
  bw_buf_add_cstr(out, ".\n");
}

int bw_cmd_verify(struct bw_cli *cli)
{
  struct bw_store *store = NULL;
  struct bw_journal_stats stats;
  struct bw_error err;
  struct bw_buf out = {0};
  const char *doubt;
  uint64_t found = 0;
  int rc;
  bw_log_init("verify", BW_LOG_ERROR); /* each damaged block is named in the log */
  rc = open_store(cli, &store, &err);
  if (rc == 0)
    rc = read_all(store, &found, &stats, &err);
  if (rc < 0) { /* the daemon is to find it as well */
    bw_store_abandon(&store);
    return bw_cli_fail(&err);
  }
  doubt = bw_store_doubt(store); /* told here, for the daemon will not find it any more */
  (cli->json ? put_json : put_text)(&out, doubt, found, &stats);
  rc = found || doubt ? BW_EXIT_REFUSED : BW_EXIT_OK;
  bw_store_close(&store);
  bw_cli_print(&out);
  bw_buf_clear(&out);
  return rc;
}

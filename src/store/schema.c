/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations: every room's tables from the version that the file holds to ours, in one transaction.  core process. */
#include "store/private.h"

/* "bwst": files of anybody else are refused before anything is written. */
#define APPLICATION_ID 0x62777374

static int room_version(struct bw_store *s, const char *room, int64_t *ret_version, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(s, "SELECT version FROM schema_version WHERE room = ?", &q, err);
  if (rc)
    return rc;
  bw_stmt_text(q, 1, bw_str(room));
  rc = bw_stmt_step(q, err);
  if (rc < 0)
    return rc;
  *ret_version = rc ? bw_stmt_col_int(q, 0) : 0;
  bw_stmt_reset(q);
  return BW_OK;
}

static int check_ours(struct bw_store *s, bool *ret_fresh, struct bw_error *err)
{
  int64_t id, tables;
  int rc = bw_store_query_int(s, "PRAGMA application_id", &id, err);
  if (!rc)
    rc = bw_store_query_int(s, "SELECT count(*) FROM sqlite_schema", &tables, err);
  if (rc)
    return rc;
  if (id != APPLICATION_ID && (id != 0 || tables != 0))
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG,
                   "%s is a database, but not one of basewatch; move it away or name another state directory", s->path);
  *ret_fresh = id == 0;
  return BW_OK;
}

static int check_versions(struct bw_store *s, const struct bw_schema *const *schemas, size_t n, struct bw_error *err)
{
  size_t i;
  for (i = 0; i < n; i++) {
    int64_t version;
    int rc = room_version(s, schemas[i]->room, &version, err);
    if (rc)
      return rc;
    if (version < 0 || (uint64_t)version > schemas[i]->nsteps)
      return bw_fail(err, BW_EVERSION, BW_CLASS_CONFIG,
                     "%s was written by a later basewatch (its \"%s\" tables have version %lld, this one knows %zu); install "
                     "that release again, or restore the backup from before the upgrade",
                     s->path, schemas[i]->room, (long long)version, schemas[i]->nsteps);
  }
  return BW_OK;
}

static int migrate_room(struct bw_store *s, const struct bw_schema *schema, struct bw_error *err)
{
  struct bw_stmt *q;
  int64_t version;
  int rc = room_version(s, schema->room, &version, err);
  size_t i;
  if (rc || (size_t)version == schema->nsteps)
    return rc;
  for (i = (size_t)version; i < schema->nsteps; i++)
    if ((rc = bw_store_exec(s, schema->steps[i], err, "cannot migrate")) != 0) {
      bw_error_prefix(err, "tables of \"%s\", step %zu", schema->room, i + 1);
      return rc;
    }
  if ((rc = bw_store_prepare(s,
                             "INSERT INTO schema_version(room, version) VALUES(?, ?) "
                             "ON CONFLICT(room) DO UPDATE SET version = excluded.version",
                             &q, err)) != 0)
    return rc;
  bw_stmt_text(q, 1, bw_str(schema->room));
  bw_stmt_int(q, 2, (int64_t)schema->nsteps);
  return bw_stmt_run(q, err);
}

static int migrate_all(struct bw_store *s, bool fresh, const struct bw_schema *const *schemas, size_t n, struct bw_error *err)
{
  size_t i;
  int rc = BW_OK;
  if (fresh)
    rc = bw_store_exec(s,
                       "PRAGMA application_id = 1651995508;"
                       "CREATE TABLE schema_version(room TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;",
                       err, "cannot create the database");
  if (!rc)
    rc = check_versions(s, schemas, n, err);
  for (i = 0; !rc && i < n; i++)
    rc = migrate_room(s, schemas[i], err);
  return rc;
}

int bw_store_migrate(struct bw_store *s, const struct bw_schema *const *schemas, size_t n, struct bw_error *err)
{
  bool fresh = false;
  int rc = check_ours(s, &fresh, err);
  if (!rc)
    rc = bw_store_begin(s, err);
  if (rc)
    return rc;
  rc = migrate_all(s, fresh, schemas, n, err);
  if (rc) {
    bw_store_rollback(s);
    return rc;
  }
  return bw_store_commit(s, err);
}
_Static_assert(APPLICATION_ID == 1651995508, "the pragma above");

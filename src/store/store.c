/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one connection: opening, checking, transactions, and what SQLite's failures mean to us.  core process; needs the state
 * directory.  One connection alone writes and checkpoints: the SQLite of Debian 12 can corrupt a WAL that several share.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "store/private.h"

/* Pages of the WAL after which a commit moves them into the database: 8 MiB, a few dozen milliseconds of writing. */
#define CHECKPOINT_PAGES 1000
/* Reading more than this at every start after a crash would keep senders waiting; the journal checks its own blocks anyway. */
#define CHECK_MAX_BYTES (INT64_C(1) << 30)

static const char settings[] =
    "PRAGMA page_size = 8192;"
    "PRAGMA locking_mode = EXCLUSIVE;" /* before WAL: then no shared memory file is made */
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;" /* a commit is acknowledged to the sender: it must survive a power cut */
    "PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA secure_delete = OFF;"
    "PRAGMA mmap_size = 0;" /* an I/O error must be an error, not a SIGBUS */
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -32768;"
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA wal_autocheckpoint = 0;"; /* bw_store_commit() does it, to see its errors */
_Static_assert(BW_STORE_PAGE == 8192, "the pragma above");

/* ---- errors ---- */

static const struct {
  int sqlite; /* primary result code */
  enum bw_code code;
  enum bw_error_class cls;
  const char *hint;
} results[] = {
    {SQLITE_FULL, BW_ENOSPC, BW_CLASS_TRANSIENT, "; make room on the disk that holds it"},
    {SQLITE_IOERR, BW_EIO, BW_CLASS_TRANSIENT, "; look at the kernel's log for a failing disk"},
    {SQLITE_CORRUPT, BW_ECORRUPT, BW_CLASS_PERMANENT,
     "; restore it from a backup, or save what is readable with sqlite3's .recover"},
    {SQLITE_NOTADB, BW_ECORRUPT, BW_CLASS_PERMANENT, "; restore it from a backup, or begin anew with an empty state directory"},
    {SQLITE_NOMEM, BW_ENOMEM, BW_CLASS_TRANSIENT, ""},
    {SQLITE_BUSY, BW_EAGAIN, BW_CLASS_TRANSIENT, "; another program has it open: close that one"},
    {SQLITE_LOCKED, BW_EAGAIN, BW_CLASS_TRANSIENT, ""},
    {SQLITE_READONLY, BW_EIO, BW_CLASS_CONFIG, "; the daemon's user must own it and its directory"},
    {SQLITE_PERM, BW_EIO, BW_CLASS_CONFIG, "; the daemon's user must own it and its directory"},
    {SQLITE_CANTOPEN, BW_EIO, BW_CLASS_CONFIG, "; the directory must exist and belong to the daemon's user"},
    {SQLITE_CONSTRAINT, BW_EEXIST, BW_CLASS_PERMANENT, ""},
    {SQLITE_TOOBIG, BW_ELIMIT, BW_CLASS_PERMANENT, ""},
};

int bw_store_fail(struct bw_store *s, int rc, struct bw_error *err, const char *what)
{
  int os = sqlite3_system_errno(s->db);
  size_t i;
  if ((rc & 0xff) == SQLITE_IOERR && (os == ENOSPC || os == EDQUOT))
    rc = SQLITE_FULL;
  for (i = 0; i < sizeof results / sizeof *results; i++)
    if (results[i].sqlite == (rc & 0xff))
      return bw_fail(err, results[i].code, results[i].cls, "%s: %s (SQLite %d%s%s, at: %.120s)%s", s->path,
                     sqlite3_errmsg(s->db), rc, os ? ", " : "", os ? strerror(os) : "", what, results[i].hint);
  return bw_fail(err, BW_ESTATE, BW_CLASS_BUG, "%s: %s (SQLite %d, at: %.120s)", s->path, sqlite3_errmsg(s->db), rc, what);
}

int bw_store_exec(struct bw_store *s, const char *sql, struct bw_error *err, const char *what)
{
  int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
  return rc == SQLITE_OK ? BW_OK : bw_store_fail(s, rc, err, what);
}

int bw_store_query_int(struct bw_store *s, const char *sql, int64_t *ret, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(s, sql, &q, err);
  if (!rc)
    rc = bw_stmt_step(q, err);
  if (rc < 0)
    return rc;
  *ret = rc ? bw_stmt_col_int(q, 0) : 0;
  bw_stmt_reset(q);
  return BW_OK;
}

int bw_store_check(struct bw_store *s, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(s, "PRAGMA quick_check(1)", &q, err);
  if (!rc)
    rc = bw_stmt_step(q, err);
  if (rc < 0)
    return rc;
  if (rc == 0 || bw_str_is(bw_stmt_col_str(q, 0), "ok")) {
    bw_stmt_reset(q);
    return BW_OK;
  }
  rc = bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT,
               "the database %s is damaged: %.200s; restore it from a backup, or save what is readable with sqlite3's .recover",
               s->path, bw_log_quote(bw_stmt_col_str(q, 0)));
  bw_stmt_reset(q);
  return rc;
}

/* ---- opening ---- */

/* Makes the file ourselves, so that no moment passes in which others can read it; the WAL takes the mode of the database. */
static int prepare_file(struct bw_store *s, bool *ret_existed, struct bw_error *err)
{
  struct stat st;
  int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return bw_fail_errno(err, errno == ENOSPC ? BW_ENOSPC : BW_EIO,
                         "cannot open the database %s (its directory must exist and belong to the daemon's user)", s->path);
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    close(fd);
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "the database %s is not a regular file", s->path);
  }
  close(fd);
  if (st.st_mode & 077)
    bw_log(BW_LOG_WARN, "others may read or write the database; it holds customers' data: chmod 600 it", "path=%s mode=%03o",
           BW_Q(s->path), (unsigned)st.st_mode & 0777u);
  *ret_existed = st.st_size > 0;
  return BW_OK;
}

/* SQLite would begin anew, and delete the write-ahead log. */
static int refuse_orphan(const struct bw_store *s, struct bw_error *err)
{
  char *wal BW_AUTOFREE = bw_asprintf("%s-wal", s->path);
  struct stat st;
  if (stat(wal, &st) != 0 || st.st_size == 0)
    return BW_OK;
  return bw_fail(
      err, BW_ECORRUPT, BW_CLASS_CONFIG,
      "the database %s is empty or missing, and its write-ahead log %s is there; restore both from one backup, or move "
      "the log away to begin anew",
      s->path, wal);
}

static int wal_grew(void *ctx, sqlite3 *db, const char *name, int pages)
{
  struct bw_store *s = ctx;
  (void)db;
  (void)name;
  s->wal_pages = pages;
  return SQLITE_OK;
}

static int connect_db(struct bw_store *s, struct bw_error *err)
{
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  int rc = sqlite3_open_v2(s->path, &s->db, flags, NULL);
  if (!s->db)
    return bw_fail(err, BW_ENOMEM, BW_CLASS_TRANSIENT, "no memory for the database");
  if (rc != SQLITE_OK)
    return bw_store_fail(s, rc, err, "open");
  sqlite3_extended_result_codes(s->db, 1);
  sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
  sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
  rc = bw_store_exec(s, settings, err, "settings");
  sqlite3_wal_hook(s->db, wal_grew, s); /* after wal_autocheckpoint, which is a hook itself and would replace ours */
  return rc;
}

static int check_after_crash(struct bw_store *s, struct bw_error *err)
{
  int64_t pages;
  int rc;
  if (s->clean)
    return BW_OK;
  if ((rc = bw_store_query_int(s, "PRAGMA page_count", &pages, err)) != 0)
    return rc;
  if (pages * BW_STORE_PAGE > CHECK_MAX_BYTES) {
    bw_log(BW_LOG_WARN,
           "the database was not closed cleanly and is too large to check at start; `basewatch verify` does it while the "
           "daemon is stopped",
           "path=%s pages=%lld", BW_Q(s->path), (long long)pages);
    return BW_OK;
  }
  return bw_store_check(s, err);
}

static int open_steps(struct bw_store *s, const struct bw_schema *const *schemas, size_t n, struct bw_error *err)
{
  bool existed = false, died = false, memory = strcmp(s->path, ":memory:") == 0;
  int rc;
  s->clean = true;
  if (!memory && (rc = prepare_file(s, &existed, err)) != 0)
    return rc;
  if (!memory && !existed && (rc = refuse_orphan(s, err)) != 0)
    return rc;
  if (!memory && (rc = bw_store_lock(s, existed, &died, err)) != 0)
    return rc;
  if (!s->clean)
    s->doubt = bw_wal_doubt(s, died);
  rc = connect_db(s, err);
  if (!rc)
    rc = check_after_crash(s, err);
  if (!rc)
    rc = bw_store_migrate(s, schemas, n, err);
  if (!rc)
    bw_store_mark_open(s);
  return rc;
}

/* opened: else the lock file goes on to say how it was found.  clean: whether it shall say that all is well. */
static void release(struct bw_store **sp, bool opened, bool clean)
{
  struct bw_store *s = *sp;
  if (!s)
    return;
  if (opened)
    bw_store_mark_closing(s);
  if (s->db && s->in_txn)
    bw_store_rollback(s);
  bw_map_free(&s->stmts, bw_stmt_free);
  if (sqlite3_close(s->db) != SQLITE_OK) {
    sqlite3_close_v2(s->db);
    clean = false;
  }
  bw_store_unlock(s, clean);
  free(s->path);
  free(s->doubt);
  free(s);
  *sp = NULL;
}

int bw_store_open(const char *path, const struct bw_schema *const *schemas, size_t n, struct bw_store **ret_store,
                  struct bw_error *err)
{
  struct bw_store *s = bw_alloc(sizeof *s);
  int rc;
  s->lock_fd = -1;
  s->path = bw_strdup(path);
  s->stmts = bw_map_new();
  rc = open_steps(s, schemas, n, err);
  if (rc) {
    release(&s, false, s->clean); /* a failed opening says no more about the file than we knew */
    return rc;
  }
  *ret_store = s;
  return BW_OK;
}

void bw_store_close(struct bw_store **store)
{
  release(store, true, true);
}

void bw_store_abandon(struct bw_store **store)
{
  release(store, true, false);
}

const char *bw_store_doubt(const struct bw_store *s)
{
  return s->doubt;
}

/* ---- transactions ---- */

int bw_store_begin(struct bw_store *s, struct bw_error *err)
{
  int rc;
  if (s->in_txn)
    return BW_OK;
  rc = bw_store_exec(s, "BEGIN IMMEDIATE", err, "begin");
  if (!rc)
    s->in_txn = true;
  return rc;
}

bool bw_store_in_transaction(const struct bw_store *s)
{
  return s->in_txn;
}

/* A walk that nobody finished keeps the WAL from starting over; it would grow for ever.  Named once. */
static void warn_of_wal(struct bw_store *s, int rc)
{
  sqlite3_stmt *q = NULL;
  if (s->wal_warned || s->wal_pages < 16 * CHECKPOINT_PAGES)
    return;
  while ((q = sqlite3_next_stmt(s->db, q)) && !sqlite3_stmt_busy(q))
    ;
  s->wal_warned = true;
  bw_log(BW_LOG_WARN, "the write-ahead log cannot be emptied", "path=%s pages=%d sqlite=%d statement=%s", BW_Q(s->path),
         s->wal_pages, rc, q ? BW_Q(sqlite3_sql(q)) : "-");
}

/* The commit is durable already; a checkpoint that fails is tried again after the next one. */
static void checkpoint(struct bw_store *s)
{
  int rc;
  if (s->wal_pages < CHECKPOINT_PAGES)
    return;
  rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  if (rc != SQLITE_OK) {
    struct bw_error err;
    bw_store_fail(s, rc, &err, "checkpoint");
    bw_log(BW_LOG_WARN, "could not move the write-ahead log into the database; trying again at the next commit", "error=%s",
           BW_Q(err.message));
  }
  warn_of_wal(s, rc);
}

int bw_store_commit(struct bw_store *s, struct bw_error *err)
{
  int rc;
  if (!s->in_txn)
    return bw_fail(err, BW_ESTATE, BW_CLASS_BUG, "%s: commit without begin", s->path);
  if (sqlite3_get_autocommit(s->db)) {
    s->in_txn = false;
    return bw_fail(err, BW_EIO, BW_CLASS_TRANSIENT,
                   "%s: the transaction was rolled back by an earlier failure; nothing of it is kept", s->path);
  }
  rc = bw_store_exec(s, "COMMIT", err, "commit");
  if (rc) {
    bw_store_rollback(s);
    return rc;
  }
  s->in_txn = false;
  checkpoint(s);
  return BW_OK;
}

void bw_store_rollback(struct bw_store *s)
{
  if (!sqlite3_get_autocommit(s->db))
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
  s->in_txn = false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The audit chain.  Runs in core; through the store only. */
#include <sodium.h>
#include <string.h>

#include "approvals/approvals.h"

#define ZERO_HASH "0000000000000000000000000000000000000000000000000000000000000000"
#define MAX_SUBJECT (64 * 1024)

/* Each field as its length in 8 bytes little endian, and its bytes: no two rows share an encoding. */
static void add_field(struct bw_buf *b, struct bw_str s)
{
  bw_buf_add_u64(b, s.len);
  bw_buf_add_str(b, s);
}

static void row_hash(int64_t seq, int64_t at, struct bw_str who, struct bw_str action, struct bw_str subject,
                     struct bw_str prev, char ret_hex[BW_DRAFT_HASH])
{
  unsigned char digest[32];
  struct bw_buf b = {0};
  bw_buf_add_cstr(&b, "basewatch audit 1\n");
  bw_buf_add_u64(&b, (uint64_t)seq);
  bw_buf_add_u64(&b, (uint64_t)at);
  add_field(&b, who);
  add_field(&b, action);
  add_field(&b, subject);
  add_field(&b, prev);
  BW_ASSERT(crypto_generichash(digest, sizeof digest, (const unsigned char *)b.data, b.len, NULL, 0) == 0);
  (void)sodium_bin2hex(ret_hex, BW_DRAFT_HASH, digest, sizeof digest);
  bw_buf_clear(&b);
}

/* The row that audit_head names: cut-off ends of the chain show against it. */
int bw_audit_head(struct bw_store *s, int64_t *ret_seq, char ret_hash[BW_DRAFT_HASH], struct bw_error *err)
{
  struct bw_stmt *q;
  struct bw_str hash;
  int rc = bw_store_prepare(s, "SELECT seq, hash FROM audit_head", &q, err);
  if (rc < 0 || (rc = bw_stmt_step(q, err)) < 0)
    return rc;
  if (rc == 0) {
    *ret_seq = 0;
    memcpy(ret_hash, ZERO_HASH, BW_DRAFT_HASH);
    return BW_OK;
  }
  hash = bw_stmt_col_str(q, 1);
  if (hash.len != BW_DRAFT_HASH - 1) {
    bw_stmt_reset(q);
    return bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT, "the head of the audit chain is damaged; restore the database");
  }
  *ret_seq = bw_stmt_col_int(q, 0);
  memcpy(ret_hash, hash.data, hash.len);
  ret_hash[hash.len] = '\0';
  bw_stmt_reset(q);
  return BW_OK;
}

static int set_head(struct bw_store *s, int64_t seq, const char *hash, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(s, "INSERT OR REPLACE INTO audit_head (one, seq, hash) VALUES (1, ?1, ?2)", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, seq);
  bw_stmt_text(q, 2, bw_str(hash));
  return bw_stmt_run(q, err);
}

int bw_audit_append(struct bw_store *s, int64_t at, struct bw_str who, const char *action, struct bw_str subject,
                    struct bw_error *err)
{
  char prev[BW_DRAFT_HASH], hash[BW_DRAFT_HASH];
  struct bw_stmt *q;
  int64_t seq;
  int rc;
  if (!s)
    return BW_OK;
  if (!bw_person_valid(who) || subject.len > MAX_SUBJECT || !bw_utf8_valid(subject.data, subject.len))
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "an audit row needs a name and a subject of at most 64 KiB of UTF-8");
  rc = bw_audit_head(s, &seq, prev, err);
  if (rc < 0)
    return rc;
  seq++;
  row_hash(seq, at, who, bw_str(action), subject, bw_str(prev), hash);
  rc = bw_store_prepare(
      s, "INSERT INTO audit (seq, at, who, action, subject, prev_hash, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, seq);
  bw_stmt_int(q, 2, at);
  bw_stmt_text(q, 3, who);
  bw_stmt_text(q, 4, bw_str(action));
  bw_stmt_text(q, 5, subject);
  bw_stmt_text(q, 6, bw_str(prev));
  bw_stmt_text(q, 7, bw_str(hash));
  rc = bw_stmt_run(q, err);
  return rc < 0 ? rc : set_head(s, seq, hash, err);
}

/* What is wrong with the row at hand, or NULL; moves prev on. */
static const char *check_row(struct bw_stmt *q, int64_t expected, char prev[BW_DRAFT_HASH])
{
  char hash[BW_DRAFT_HASH];
  if (bw_stmt_col_int(q, 0) != expected)
    return "is missing";
  if (!bw_str_is(bw_stmt_col_str(q, 5), prev))
    return "does not follow the row before it";
  row_hash(expected, bw_stmt_col_int(q, 1), bw_stmt_col_str(q, 2), bw_stmt_col_str(q, 3), bw_stmt_col_str(q, 4), bw_str(prev),
           hash);
  if (!bw_str_is(bw_stmt_col_str(q, 6), hash))
    return "was changed";
  memcpy(prev, hash, BW_DRAFT_HASH);
  return NULL;
}

int bw_audit_verify(struct bw_store *s, int64_t *ret_rows, struct bw_error *err)
{
  char prev[BW_DRAFT_HASH] = ZERO_HASH, head[BW_DRAFT_HASH];
  int64_t seq = 0, head_seq;
  const char *wrong = NULL;
  struct bw_stmt *q;
  int rc = bw_audit_head(s, &head_seq, head, err);
  if (rc == BW_OK)
    rc = bw_store_prepare(s, "SELECT seq, at, who, action, subject, prev_hash, hash FROM audit ORDER BY seq", &q, err);
  if (rc < 0)
    return rc;
  while (!wrong && (rc = bw_stmt_step(q, err)) == 1)
    wrong = check_row(q, ++seq, prev);
  bw_stmt_reset(q);
  if (rc < 0)
    return rc;
  if (!wrong && (seq != head_seq || strcmp(prev, head) != 0)) {
    seq = (seq < head_seq ? seq : head_seq) + 1;
    wrong = "does not agree with the chain's recorded end";
  }
  *ret_rows = seq;
  if (wrong)
    return bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT,
                   "audit row %lld %s: the database was changed outside of basewatch; compare it with a copy", (long long)seq,
                   wrong);
  return BW_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Files: the same records in the same order, whatever the threads, the packing and the cuts. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/time.h"
#include "ingest/reader.h"

static char dir[] = "test-reader-XXXXXX"; /* in the build directory */
static struct bw_buf rejects;

static int setup(void **state)
{
  (void)state;
  return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
  (void)state;
  bw_buf_clear(&rejects);
  return rmdir(dir);
}

/* One of 16 rotating names within the directory. */
static const char *path_of(const char *name)
{
  static char paths[16][128];
  static unsigned at;
  char *p = paths[at++ % 16];
  (void)snprintf(p, sizeof paths[0], "%s/%s", dir, name);
  return p;
}

static const char *write_file(const char *name, const void *data, size_t len)
{
  const char *path = path_of(name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, len, f), len);
  assert_int_equal(fclose(f), 0);
  return path;
}

static const char *write_text(const char *name, const char *text)
{
  return write_file(name, text, strlen(text));
}

/* n events, step_ms apart from start_ms on; every `jumble`-th is a minute early. */
static void add_events(struct bw_buf *b, const char *user, int n, int64_t start_ms, int64_t step_ms, int jumble)
{
  char t[BW_TIME_TEXT];
  int i;
  for (i = 0; i < n; i++) {
    bw_time_format(start_ms + i * step_ms - (jumble && i % jumble == 0 ? BW_MINUTE : 0), t);
    bw_buf_printf(b,
                  "{\"type\":\"track\",\"messageId\":\"%s-%d\",\"userId\":\"%s\",\"timestamp\":\"%s\",\"event\":\"e%d\","
                  "\"properties\":{\"i\":%d,\"s\":\"%s\"}}\n",
                  user, i, user, t, i % 7, i, i % 5 ? "plain" : "esc\\u0041ped");
  }
}

static void on_rejected(void *ctx, const char *path, uint64_t line, struct bw_str text, const struct bw_error *why)
{
  (void)ctx;
  bw_buf_printf(&rejects, "%s:%llu:%llu:%s\n", strrchr(path, '/') + 1, (unsigned long long)line, (unsigned long long)text.len,
                why->message);
}

/* All records, as "id time fields" lines. */
static int read_all(const char *const *paths, size_t n, unsigned threads, bool keep_order, struct bw_buf *out,
                    struct bw_reader_stats *stats, struct bw_error *err)
{
  struct bw_reader_options o = {.threads = threads,
                                .chunk_bytes = 1,
                                .seed = 1,
                                .arrival_ms = BW_TIME_NONE,
                                .keep_order = keep_order,
                                .rejected = on_rejected};
  struct bw_file_reader *r;
  struct bw_batch b;
  uint64_t i;
  uint32_t k;
  int rc = bw_reader_open(paths, n, &o, &r, err);
  bw_buf_reset(out);
  bw_buf_reset(&rejects);
  if (rc < 0)
    return rc;
  while ((rc = bw_reader_next(r, &b, err)) > 0) {
    assert_true(b.count > 0);
    for (i = 0; i < b.count; i++) {
      const struct bw_record *x = bw_batch_at(&b, i);
      bw_buf_printf(out, "%.*s%.*s %lld", BW_FMT(x->id), BW_FMT(x->account), (long long)x->time_ms);
      for (k = 0; k < x->nfields; k++)
        bw_buf_printf(out, " %.*s=%.*s", BW_FMT(x->fields[k].key), BW_FMT(x->fields[k].text));
      bw_buf_add_char(out, '\n');
    }
  }
  bw_reader_stats(r, stats);
  bw_reader_close(&r);
  return rc;
}

static size_t count_lines(const struct bw_buf *b)
{
  size_t i, n = 0;
  for (i = 0; i < b->len; i++)
    n += b->data[i] == '\n';
  return n;
}

/* Times do not go back within the output. */
static bool in_order(const struct bw_buf *b)
{
  long long last = -1, t;
  const char *p = b->data, *end = b->data + b->len;
  while (p < end) {
    p = memchr(p, ' ', (size_t)(end - p));
    t = strtoll(p, NULL, 10);
    if (t < last)
      return false;
    last = t;
    p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
  }
  return true;
}

static void same(const struct bw_buf *a, const struct bw_buf *b)
{
  assert_int_equal(a->len, b->len);
  assert_memory_equal(a->data, b->data, a->len);
}

static const char *write_gzip(const char *name, struct bw_str text, int members)
{
  const char *path = path_of(name);
  size_t part = text.len / (size_t)members;
  int i;
  (void)unlink(path);
  for (i = 0; i < members; i++) {
    gzFile f = gzopen(path, "ab");
    unsigned n = (unsigned)(i == members - 1 ? text.len - part * (size_t)i : part);
    assert_int_equal(gzwrite(f, text.data + part * (size_t)i, n), n);
    assert_int_equal(gzclose(f), Z_OK);
  }
  return path;
}

static const char *write_zstd(const char *name, struct bw_str text, size_t cut)
{
  size_t cap = ZSTD_compressBound(text.len), n;
  char *packed = malloc(cap);
  const char *path;
  n = ZSTD_compress(packed, cap, text.data, text.len, 3);
  assert_false(ZSTD_isError(n));
  path = write_file(name, packed, n - cut);
  free(packed);
  return path;
}

static void test_merge(void **state)
{
  struct bw_buf text = {0}, first = {0}, again = {0};
  struct bw_reader_stats s;
  struct bw_error err;
  const char *paths[5];
  unsigned threads;
  (void)state;
  /* Overlapping, jumbled within a chunk, one that starts late, one without any; a table of accounts comes first. */
  add_events(&text, "a", 3000, BW_DAY, 1000, 0);
  paths[0] = write_file("a.jsonl", text.data, text.len);
  bw_buf_reset(&text);
  add_events(&text, "b", 4000, BW_DAY + 500, 700, 50);
  paths[1] = write_file("b.jsonl", text.data, text.len - 1); /* without the last line end */
  bw_buf_reset(&text);
  add_events(&text, "c", 2000, BW_DAY + BW_HOUR, 1000, 0);
  paths[2] = write_gzip("c.jsonl.gz", bw_buf_str(&text), 3);
  paths[3] = write_text("empty.jsonl", "\n \n");
  paths[4] = write_text("accounts.csv", "account_id,seats\nacme,5\nbeta,6\n");
  assert_int_equal(read_all(paths, 5, 0, false, &first, &s, &err), 0);
  assert_int_equal(count_lines(&first), 9002);
  assert_int_equal(s.records, 9002);
  /* Disorder is mended within a chunk; what reaches back across its start is told. */
  assert_true(s.late < 20 && in_order(&first) == (s.late == 0));
  assert_int_equal(s.rejected, 0);
  assert_int_equal(strncmp(first.data, "acme 0 seats=5\n", 15), 0);
  for (threads = 0; threads < 4; threads++) {
    assert_int_equal(read_all(paths, 5, threads, false, &again, &s, &err), 0);
    same(&first, &again);
  }
  /* Equal times: by file, as named; within a file, as written. */
  bw_buf_reset(&text);
  add_events(&text, "x", 300, BW_DAY, 0, 0);
  paths[0] = write_file("a.jsonl", text.data, text.len);
  bw_buf_reset(&text);
  add_events(&text, "y", 300, BW_DAY, 0, 0);
  paths[1] = write_file("b.jsonl", text.data, text.len);
  assert_int_equal(read_all(paths, 2, 2, false, &first, &s, &err), 0);
  assert_int_equal(strncmp(first.data, "x-0 ", 4), 0);
  assert_true(in_order(&first));
  assert_int_equal(s.late, 0);
  assert_non_null(strstr(bw_buf_cstr(&first), "x-299 86400000 i=299 s=plain\ny-0 86400000"));
  /* As named, and as written, for import. */
  paths[2] = paths[0];
  paths[0] = paths[1];
  paths[1] = paths[2];
  assert_int_equal(read_all(paths, 2, 2, true, &first, &s, &err), 0);
  assert_int_equal(strncmp(first.data, "y-0 ", 4), 0);
  for (threads = 0; threads < 5; threads++) {
    static const char *const names[] = {"a.jsonl", "b.jsonl", "c.jsonl.gz", "empty.jsonl", "accounts.csv"};
    (void)unlink(path_of(names[threads]));
  }
  bw_buf_clear(&text);
  bw_buf_clear(&first);
  bw_buf_clear(&again);
}

static void test_late(void **state)
{
  struct bw_buf text = {0}, out = {0}, again = {0};
  struct bw_reader_stats s;
  struct bw_error err;
  const char *path;
  (void)state;
  add_events(&text, "a", 3000, 2 * BW_DAY, 1000, 0);
  add_events(&text, "b", 5, BW_DAY, 1000, 0); /* chunks later, a day earlier */
  path = write_file("late.jsonl", text.data, text.len);
  assert_int_equal(read_all(&path, 1, 0, false, &out, &s, &err), 0);
  assert_int_equal(s.late, 5);
  assert_int_equal(count_lines(&out), 3005);
  assert_int_equal(read_all(&path, 1, 3, false, &again, &s, &err), 0);
  same(&out, &again);
  (void)unlink(path);
  bw_buf_clear(&text);
  bw_buf_clear(&out);
  bw_buf_clear(&again);
}

static void test_packed(void **state)
{
  struct bw_buf text = {0}, plain = {0}, out = {0};
  struct bw_reader_stats s;
  struct bw_error err;
  const char *path;
  (void)state;
  bw_buf_add_cstr(&text, "\xEF\xBB\xBF");
  add_events(&text, "a", 5000, BW_DAY, 1000, 0);
  path = write_file("p.jsonl", text.data, text.len);
  assert_int_equal(read_all(&path, 1, 1, false, &plain, &s, &err), 0);
  assert_int_equal(count_lines(&plain), 5000);
  assert_int_equal(s.bytes, text.len);
  (void)unlink(path);
  path = write_zstd("p.zst", bw_buf_str(&text), 0);
  assert_int_equal(read_all(&path, 1, 1, false, &out, &s, &err), 0);
  same(&plain, &out);
  (void)unlink(path);
  path = write_gzip("p", bw_buf_str(&text), 2);
  assert_int_equal(read_all(&path, 1, 1, false, &out, &s, &err), 0);
  same(&plain, &out);
  (void)unlink(path);
  /* Cut short: what could be read is given out, then the failure. */
  path = write_zstd("short.zst", bw_buf_str(&text), 10);
  assert_int_equal(read_all(&path, 1, 1, false, &out, &s, &err), BW_ECORRUPT);
  assert_non_null(strstr(err.message, "short.zst: it ends in the middle of its compressed data"));
  (void)unlink(path);
  path = write_file("bad.gz", "\x1F\x8B\x08nonsense that is not deflated", 32);
  assert_int_equal(read_all(&path, 1, 1, false, &out, &s, &err), BW_ECORRUPT);
  (void)unlink(path);
  bw_buf_clear(&text);
  bw_buf_clear(&plain);
  bw_buf_clear(&out);
}

static void test_rejects(void **state)
{
  struct bw_buf text = {0}, out = {0}, first = {0};
  struct bw_reader_stats s;
  struct bw_error err;
  const char *paths[2];
  unsigned threads;
  int i;
  (void)state;
  add_events(&text, "a", 1000, BW_DAY, 1000, 0);
  bw_buf_add_cstr(&text, "{\"type\":\"track\",\"userId\":\"u\",\"timestamp\":\"2025-01-01\"}\nnonsense\n\n{\"a\":\n1}\n");
  add_events(&text, "b", 100, 2 * BW_DAY, 1000, 0);
  for (i = 0; i < 200000; i++)
    bw_buf_add_char(&text, 'x');
  bw_buf_add_cstr(&text, "\n{\"type\":\"tick\",\"timestamp\":\"2025-01-01\"}\n");
  paths[0] = write_file("r.jsonl", text.data, text.len);
  paths[1] = write_text("accounts.csv", "account_id,timestamp\na,1\nb,2025-01-01\n");
  for (threads = 0; threads < 3; threads++) {
    assert_int_equal(read_all(paths, 2, threads, false, &out, &s, &err), 0);
    assert_int_equal(count_lines(&out), 1101);
    (void)bw_buf_cstr(&rejects);
    assert_int_equal(s.rejected, 6); /* a tick is neither taken nor refused */
    assert_non_null(strstr(rejects.data, "r.jsonl:1001:54:track: event is missing\n"));
    assert_non_null(strstr(rejects.data, "r.jsonl:1002:8:byte 1: an object was expected\n"));
    assert_non_null(strstr(rejects.data, "r.jsonl:1004:5:byte 6: not a JSON value\n"));
    assert_non_null(strstr(rejects.data, "r.jsonl:1005:2:byte 1: an object was expected\n"));
    assert_non_null(strstr(rejects.data, "r.jsonl:1106:1024:the line is over 65536 bytes\n"));
    assert_null(strstr(rejects.data, "r.jsonl:1107:"));
    assert_non_null(strstr(rejects.data, "accounts.csv:2:"));
    if (threads == 0)
      bw_buf_add(&first, rejects.data, rejects.len);
    else
      same(&first, &rejects);
  }
  (void)unlink(paths[0]);
  (void)unlink(paths[1]);
  bw_buf_clear(&text);
  bw_buf_clear(&out);
  bw_buf_clear(&first);
}

static void test_refused_files(void **state)
{
  struct bw_buf out = {0};
  struct bw_reader_stats s;
  struct bw_error err;
  const char *path = path_of("missing.jsonl");
  (void)state;
  assert_int_equal(read_all(&path, 1, 1, false, &out, &s, &err), BW_EIO);
  assert_non_null(strstr(err.message, "missing.jsonl: cannot be opened"));
  path = dir;
  assert_int_equal(read_all(&path, 1, 1, false, &out, &s, &err), BW_EINVAL);
  path = write_text("unknown.bin", "what is this\n");
  assert_int_equal(read_all(&path, 1, 1, false, &out, &s, &err), BW_EINVAL);
  (void)unlink(path);
  path = write_text("contacts.csv", "foo,bar\n1,2\n");
  assert_int_equal(read_all(&path, 1, 1, false, &out, &s, &err), BW_EINVAL);
  assert_non_null(strstr(err.message, "the header has no column for the contact"));
  (void)unlink(path);
  bw_buf_clear(&out);
}

/* More files than are kept open, all of them at the same time. */
static void test_many_files(void **state)
{
  enum { N = 70 };
  const char *paths[N];
  struct bw_buf text = {0}, out = {0}, again = {0};
  struct bw_reader_stats s;
  struct bw_error err;
  char name[32];
  int i;
  (void)state;
  for (i = 0; i < N; i++) {
    bw_buf_reset(&text);
    (void)snprintf(name, sizeof name, "f%d", i);
    add_events(&text, name, 40, BW_DAY + (i * 7919 % 97) * 1000, 3000, 0);
    (void)snprintf(name, sizeof name, "f%d.jsonl", i);
    paths[i] = strdup(write_file(name, text.data, text.len));
  }
  assert_int_equal(read_all(paths, N, 0, false, &out, &s, &err), 0);
  assert_int_equal(count_lines(&out), N * 40);
  assert_true(in_order(&out));
  assert_int_equal(read_all(paths, N, 3, false, &again, &s, &err), 0);
  same(&out, &again);
  for (i = 0; i < N; i++) {
    (void)unlink(paths[i]);
    free((char *)(uintptr_t)paths[i]);
  }
  bw_buf_clear(&text);
  bw_buf_clear(&out);
  bw_buf_clear(&again);
}

/* Closing in the middle leaves no thread and no memory behind. */
static void test_close_early(void **state)
{
  struct bw_reader_options o = {.threads = 2, .chunk_bytes = 1, .arrival_ms = BW_TIME_NONE};
  struct bw_buf text = {0};
  struct bw_file_reader *r;
  struct bw_error err;
  struct bw_batch b;
  const char *path;
  int i;
  (void)state;
  add_events(&text, "a", 20000, BW_DAY, 1000, 0);
  path = write_file("e.jsonl", text.data, text.len);
  for (i = 0; i < 20; i++) {
    assert_int_equal(bw_reader_open(&path, 1, &o, &r, &err), 0);
    if (i % 2)
      assert_int_equal(bw_reader_next(r, &b, &err), 1);
    bw_reader_close(&r);
    assert_null(r);
  }
  (void)unlink(path);
  bw_buf_clear(&text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_merge),         cmocka_unit_test(test_late),
                                     cmocka_unit_test(test_packed),        cmocka_unit_test(test_rejects),
                                     cmocka_unit_test(test_refused_files), cmocka_unit_test(test_many_files),
                                     cmocka_unit_test(test_close_early)};
  return cmocka_run_group_tests_name("ingest/reader", tests, setup, teardown);
}

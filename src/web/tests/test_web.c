/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of web that need no connection: inflating, keys, routes, settings, bodies. */
#include "base/test.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ingest/segment.h"
#include "web/internal.h"

/* ---- inflate ---- */

static void pack(struct bw_str text, int window, struct bw_buf *out)
{
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (unsigned char *)(uintptr_t)text.data;
  z.avail_in = (unsigned)text.len;
  z.next_out = (unsigned char *)bw_buf_reserve(out, text.len + 1024);
  z.avail_out = (unsigned)text.len + 1024;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  out->len += z.total_out;
  deflateEnd(&z);
}

static void test_inflate(void **state)
{
  struct bw_buf packed = {0}, out = {0};
  struct bw_str text = BW_STR("{\"batch\":[]}");
  struct bw_error err;
  size_t first, i;
  (void)state;
  pack(text, 15 + 16, &packed);
  assert_int_equal(bw_packed_kind(bw_buf_str(&packed)), BW_PACKED_GZIP);
  assert_int_equal(bw_inflate(bw_buf_str(&packed), 1000, 100, &out, &err), 0);
  assert_true(bw_str_eq(bw_buf_str(&out), text));
  /* several members are one text */
  first = packed.len;
  pack(text, 15 + 16, &packed);
  assert_int_equal(bw_inflate(bw_buf_str(&packed), 1000, 100, &out, &err), 0);
  assert_int_equal(out.len, 2 * text.len);
  /* every cut is noticed, but that between the members */
  for (i = 2; i < packed.len; i++)
    assert_int_equal(bw_inflate(bw_str_n(packed.data, i), 1000, 100, &out, &err), i == first ? 0 : BW_EINVAL);
  /* a flipped bit is noticed by the check sum */
  packed.data[first - 6] ^= 1;
  assert_int_equal(bw_inflate(bw_str_n(packed.data, first), 1000, 100, &out, &err), BW_EINVAL);
  bw_buf_reset(&packed);
  pack(text, 15, &packed);
  assert_int_equal(bw_packed_kind(bw_buf_str(&packed)), BW_PACKED_ZLIB);
  assert_int_equal(bw_inflate(bw_buf_str(&packed), 1000, 100, &out, &err), 0);
  assert_int_equal(bw_packed_kind(text), BW_PACKED_NONE);
  assert_int_equal(bw_packed_kind(BW_STR("[]")), BW_PACKED_NONE);
  bw_buf_clear(&packed);
  bw_buf_clear(&out);
}

static void test_inflate_bomb(void **state)
{
  struct bw_buf packed = {0}, out = {0};
  size_t n = 20u << 20;
  char *zeros = bw_alloc(n);
  struct bw_error err;
  (void)state;
  pack(bw_str_n(zeros, n), 15 + 16, &packed);
  assert_int_equal(bw_inflate(bw_buf_str(&packed), 10u << 20, 2000, &out, &err), BW_ELIMIT);
  assert_true(out.len <= 10u << 20);
  assert_non_null(strstr(err.message, "more than 10485760 bytes"));
  assert_int_equal(bw_inflate(bw_buf_str(&packed), 64u << 20, 200, &out, &err), BW_ELIMIT);
  assert_non_null(strstr(err.message, "200 times"));
  assert_true(out.len <= packed.len * 201 + 65536);
  /* exactly at the limit is within it */
  bw_buf_reset(&packed);
  pack(bw_str_n(zeros, 60000), 15 + 16, &packed);
  assert_int_equal(bw_inflate(bw_buf_str(&packed), 60001, 2, &out, &err), 0);
  free(zeros);
  bw_buf_clear(&packed);
  bw_buf_clear(&out);
}

/* ---- keys, routes, addresses ---- */

static void test_basic(void **state)
{
  static const struct {
    const char *header, *user;
  } cases[] = {
      {"Basic dGVzdGtleTE6", "testkey1"},
      {"basic dGVzdGtleTE6", "testkey1"},
      {"Basic dGVzdGtleTE6c2VjcmV0", "testkey1"},
      {"Basic dGVzdGtleTE=", "testkey1"},
      {"Basic Og==", ""},
      {"Bearer dGVzdGtleTE6", NULL},
      {"Basic d$$$", NULL},
      {"Basic", NULL},
      {NULL, NULL},
  };
  char user[512], *longest = bw_alloc(2001);
  char header[2010];
  size_t len, i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int rc = bw_basic_user(cases[i].header, user, &len);
    assert_int_equal(rc, cases[i].user ? 0 : BW_EINVAL);
    if (cases[i].user)
      assert_true(bw_str_is(bw_str_n(user, len), cases[i].user));
  }
  memset(longest, 'A', 2000);
  snprintf(header, sizeof header, "Basic %s", longest);
  assert_int_equal(bw_basic_user(header, user, &len), BW_EINVAL);
  free(longest);
}

static void test_keys(void **state)
{
  char a[] = "alpha-key", b[] = "beta-key-longer", s[] = "src";
  struct bw_web_key keys[] = {{a, s, 0}, {b, s, 0}};
  struct bw_web_config config = {.keys = keys, .nkeys = 2};
  (void)state;
  assert_ptr_equal(bw_key_find(&config, BW_STR("alpha-key")), &keys[0]);
  assert_ptr_equal(bw_key_find(&config, BW_STR("beta-key-longer")), &keys[1]);
  assert_null(bw_key_find(&config, BW_STR("alpha-ke")));
  assert_null(bw_key_find(&config, BW_STR("alpha-key2")));
  assert_null(bw_key_find(&config, BW_STR("alpha-key\0")));
  assert_null(bw_key_find(&config, BW_STR("")));
}

static void test_routes(void **state)
{
  (void)state;
  assert_string_equal(bw_route_find(BW_STR("/v1/batch"))->path, "/v1/batch");
  assert_string_equal(bw_route_find(BW_STR("/v1/batch///"))->path, "/v1/batch");
  assert_int_equal(bw_route_find(BW_STR("/v1/t/"))->kind, BW_KIND_TRACK);
  assert_null(bw_route_find(BW_STR("/")));
  assert_null(bw_route_find(BW_STR("")));
  assert_null(bw_route_find(BW_STR("/v1/batchx")));
  assert_null(bw_route_find(BW_STR("/v1")));
}

static void test_address(void **state)
{
  static const char *const bad[] = {"",    "8080", "host",    "host:",     "host:x",      "host:99999",
                                    ":80", "[::1", "[::1]80", "[::1]:80x", "host:1234567"};
  char host[128];
  uint16_t port;
  size_t i;
  (void)state;
  assert_int_equal(bw_address_split(BW_STR("127.0.0.1:8380"), host, sizeof host, &port), 0);
  assert_string_equal(host, "127.0.0.1");
  assert_int_equal(port, 8380);
  assert_int_equal(bw_address_split(BW_STR("[::1]:0"), host, sizeof host, &port), 0);
  assert_string_equal(host, "::1");
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(bw_address_split(bw_str(bad[i]), host, sizeof host, &port), BW_EINVAL);
}

static void test_collide(void **state)
{
  static const struct {
    const char *a, *b;
    bool collide;
  } cases[] = {
      {"127.0.0.1:80", "127.0.0.1:80", true}, {"127.0.0.1:80", "127.0.0.1:81", false}, {"127.0.0.1:80", "127.0.0.2:80", false},
      {"127.0.0.1:80", "0.0.0.0:80", true},   {"[::]:80", "[::1]:80", true},           {"[::1]:80", "[0:0::1]:80", true},
      {"[::1]:80", "[::2]:80", false},        {"[::]:80", "0.0.0.0:80", false},      /* an IPv6 socket is for IPv6 alone */
      {"[::]:80", "127.0.0.1:80", false},     {"127.0.0.1:0", "127.0.0.1:0", false}, /* any, and any other */
      {"0.0.0.0:0", "127.0.0.1:0", false},
  };
  struct sockaddr_storage a, b;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(bw_web_resolve(cases[i].a, &a, NULL), 0);
    assert_int_equal(bw_web_resolve(cases[i].b, &b, NULL), 0);
    if (bw_web_collide(&a, &b) != cases[i].collide || bw_web_collide(&b, &a) != cases[i].collide)
      fail_msg("%s beside %s", cases[i].a, cases[i].b);
  }
}

/* ---- settings ---- */

static int configure(const char *yaml, struct bw_web_config *config, struct bw_complaints *c)
{
  struct bw_document *doc;
  int rc;
  memset(config, 0, sizeof *config);
  assert_int_equal(bw_document_parse(bw_str(yaml), "web.yaml", false, &doc, c), 0);
  rc = bw_settings_read(bw_web_settings, bw_web_nsettings, bw_document_root(doc), config, c);
  if (rc == 0)
    rc = bw_web_config_finish(config, c);
  bw_document_free(&doc);
  return rc;
}

static void test_config(void **state)
{
  static const struct {
    const char *yaml, *says;
  } bad[] = {
      {"listen: nowhere\n", "web.yaml:1:9: 'nowhere' is no address"},
      {"listen: []\n", "0 addresses"},
      {"keys: [a]\n", "must be a map"},
      {"keys: {history-2025: longenough1}\n", "choose another name"},
      {"keys: {app: short}\n", "8 to 256"},
      {"keys: {app: longenough1, site: longenough1}\n", "every source needs its own"},
      {"keys: {app: {key: longenough1, rate: -1}}\n", "'rate'"},
      {"keys: {app: {key: longenough1, speed: 1}}\n", "unknown key 'speed'"},
      {"max_batch: 1G\n", "max_batch"},
      {"retry: 1s\n", "retry"},
  };
  struct bw_web_config config;
  struct bw_complaints c = {0};
  size_t i;
  (void)state;
  assert_int_equal(configure("{}\n", &config, &c), 0);
  assert_int_equal(config.nlisten, 1);
  assert_int_equal(config.max_batch, 500 << 10);
  assert_int_equal(config.nkeys, 0);
  bw_web_config_clear(&config);
  assert_int_equal(
      configure("listen: [127.0.0.1:0, \"[::1]:8380\"]\nkeys:\n  app: longenough1\n  site: {key: longenough2, rate: "
                "100}\nmax_batch: 100K\ncore_timeout: 3s\n",
                &config, &c),
      0);
  assert_int_equal(config.nlisten, 2);
  assert_int_equal(config.nkeys, 2);
  assert_string_equal(config.keys[1].source, "site");
  assert_string_equal(config.keys[1].key, "longenough2");
  assert_true(config.keys[1].rate == 100);
  assert_int_equal(config.core_timeout, 3000);
  bw_web_config_clear(&config);
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(configure(bad[i].yaml, &config, &c), BW_EINVAL);
    if (!strstr(bw_buf_cstr(&c.text), bad[i].says))
      fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].yaml, c.text.data, bad[i].says);
    bw_complaints_clear(&c);
  }
}

/* ---- bodies ---- */

#define NOW INT64_C(1795309800000)
#define EVENT                                                                                                                  \
  "{\"type\":\"track\",\"userId\":\"u1\",\"event\":\"e\",\"messageId\":\"m1\",\"timestamp\":\"2026-11-22T01:00:00Z\"}"

struct bodies {
  struct bw_web_config config;
  struct bw_web_key key;
  struct bw_body_reader *reader;
  struct bw_body_result result;
  struct bw_batch_reader batch;
  struct bw_error err;
};

static int setup(void **state)
{
  struct bodies *b = bw_alloc(sizeof *b);
  bw_web_config_init(&b->config);
  b->config.keys = bw_alloc(sizeof *b->config.keys);
  b->config.keys[0] = (struct bw_web_key){bw_strdup("testkey1"), bw_strdup("app"), 0};
  b->config.nkeys = 1;
  b->reader = bw_body_reader_new(&b->config);
  *state = b;
  return 0;
}

static int teardown(void **state)
{
  struct bodies *b = *state;
  bw_body_result_clear(&b->result);
  bw_batch_reader_clear(&b->batch);
  bw_body_reader_free(&b->reader);
  bw_web_config_clear(&b->config);
  free(b);
  return 0;
}

static int take(struct bodies *b, const char *body, uint32_t kind, bool with_key)
{
  struct bw_str source, batch;
  int64_t arrival;
  int status;
  bw_body_result_clear(&b->result);
  status = bw_body_read(b->reader, bw_str(body), kind, with_key ? &b->config.keys[0] : NULL, NOW, &b->result, &b->err);
  if (b->result.ingest.len) {
    assert_int_equal(bw_ingest_decode(bw_buf_str(&b->result.ingest), &arrival, &source, &batch, NULL), 0);
    assert_int_equal(arrival, NOW);
    assert_true(bw_str_is(source, "app"));
    assert_int_equal(bw_batch_read(&b->batch, batch, 1, NULL), 0);
    assert_int_equal(b->batch.batch.count, b->result.accepted);
  }
  return status;
}

static void test_body_single(void **state)
{
  struct bodies *b = *state;
  assert_int_equal(take(b, "{\"userId\":\"u1\",\"event\":\"e\",\"messageId\":\"m\"}", BW_KIND_TRACK, true), 0);
  assert_int_equal(b->result.accepted, 1);
  assert_true(bw_str_is(bw_batch_at(&b->batch.batch, 0)->name, "e"));
  assert_int_equal(take(b, "{\"userId\":\"u1\",\"event\":\"e\",\"writeKey\":\"testkey1\"}", BW_KIND_TRACK, false), 0);
  assert_int_equal(b->result.accepted, 1);
  assert_int_equal(take(b, "{\"userId\":\"u1\",\"event\":\"e\",\"writeKey\":\"testkey2\"}", BW_KIND_TRACK, false), 401);
  assert_int_equal(take(b, "{\"userId\":\"u1\",\"event\":\"e\"}", BW_KIND_TRACK, false), 401);
  assert_non_null(strstr(b->err.message, "write key is needed"));
  assert_int_equal(b->result.ingest.len, 0);
  assert_int_equal(b->result.rejects.len, 0);
}

static void test_body_batch(void **state)
{
  struct bodies *b = *state;
  assert_int_equal(take(b, "{\"batch\":[" EVENT "," EVENT "]}", BW_KIND_NONE, true), 0);
  assert_int_equal(b->result.accepted, 2);
  assert_int_equal(take(b, "{\"batch\":[]}", BW_KIND_NONE, true), 0);
  assert_int_equal(b->result.accepted, 0);
  assert_int_equal(b->result.ingest.len, 0);
  /* one bad among good ones */
  assert_int_equal(take(b, "{\"batch\":[" EVENT ",{\"type\":\"track\",\"userId\":\"u1\"}," EVENT "]}", BW_KIND_NONE, true), 0);
  assert_int_equal(b->result.accepted, 2);
  assert_int_equal(b->result.rejected, 1);
  assert_non_null(strstr(bw_buf_cstr(&b->result.rejects), "\"where\":\"batch[1]\""));
  assert_non_null(strstr(bw_buf_cstr(&b->result.errors), "\"index\":1"));
}

static void test_body_malformed(void **state)
{
  struct bodies *b = *state;
  assert_int_equal(take(b, "{\"batch\":[" EVENT, BW_KIND_NONE, true), 400);
  assert_true(strlen(b->err.message) > 0);
  assert_int_equal(b->result.ingest.len, 0);
  assert_int_equal(b->result.rejected, 1); /* kept for inspection, under the sender's name */
  assert_non_null(strstr(bw_buf_cstr(&b->result.rejects), "\"source\":\"app\""));
  /* of nobody known: nothing is kept */
  assert_int_equal(take(b, "{\"batch\":[" EVENT, BW_KIND_NONE, false), 400);
  assert_int_equal(b->result.rejects.len, 0);
  assert_int_equal(take(b, "", BW_KIND_NONE, true), 400);
  /* and the reader still works */
  assert_int_equal(take(b, "{\"batch\":[" EVENT "]}", BW_KIND_NONE, true), 0);
  assert_int_equal(b->result.accepted, 1);
}

static void test_body_limits(void **state)
{
  struct bodies *b = *state;
  struct bw_buf body = {0};
  size_t i;
  bw_buf_add_cstr(&body, "{\"batch\":[{\"type\":\"track\",\"userId\":\"u\",\"event\":\"");
  for (i = 0; i < 600u << 10; i++)
    bw_buf_add_char(&body, 'x');
  bw_buf_add_cstr(&body, "\"}]}");
  assert_int_equal(take(b, bw_buf_cstr(&body), BW_KIND_NONE, true), 400);
  assert_non_null(strstr(b->err.message, "send smaller batches"));
  /* one event over 32 KB in a batch within its limit: only it is refused */
  bw_buf_reset(&body);
  bw_buf_add_cstr(&body, "{\"batch\":[" EVENT ",{\"type\":\"track\",\"userId\":\"u\",\"event\":\"e\",\"properties\":{\"a\":\"");
  for (i = 0; i < 40u << 10; i++)
    bw_buf_add_char(&body, 'x');
  bw_buf_add_cstr(&body, "\"}}]}");
  assert_int_equal(take(b, bw_buf_cstr(&body), BW_KIND_NONE, true), 0);
  assert_int_equal(b->result.accepted, 1);
  assert_int_equal(b->result.rejected, 1);
  bw_buf_clear(&body);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_inflate),
      cmocka_unit_test(test_inflate_bomb),
      cmocka_unit_test(test_basic),
      cmocka_unit_test(test_keys),
      cmocka_unit_test(test_routes),
      cmocka_unit_test(test_address),
      cmocka_unit_test(test_collide),
      cmocka_unit_test(test_config),
      cmocka_unit_test_setup_teardown(test_body_single, setup, teardown),
      cmocka_unit_test_setup_teardown(test_body_batch, setup, teardown),
      cmocka_unit_test_setup_teardown(test_body_malformed, setup, teardown),
      cmocka_unit_test_setup_teardown(test_body_limits, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

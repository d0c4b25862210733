/* SPDX-License-Identifier: Apache-2.0 */
/* What watchers say: there and back, and what is refused. */
#include "base/test.h"

#include "wire/output.h"

#include <math.h>
#include <stdlib.h>

static struct bw_signal signal_ok(void)
{
  return (struct bw_signal){.size = sizeof(struct bw_signal),
                            .type = 1,
                            .state = BW_OPENED,
                            .at_ms = 1700000000000,
                            .account = BW_STR("acme"),
                            .key = BW_STR("r\xc3\xa9ports"),
                            .value = 0.25,
                            .threshold = -3,
                            .strength = 1,
                            .evidence = BW_STR("{\"a\": [1, {\"b\": null}]}")};
}

static void there_and_back(void **state)
{
  struct bw_signal s = signal_ok();
  struct bw_trait number = {sizeof number, 0, BW_VALUE_NUMBER, 0, 5, BW_STR("acme"), BW_STR("k"), 1e300, {0}};
  struct bw_trait text = {sizeof text, 2, BW_VALUE_STRING, 0, 5, BW_STR("acme"), BW_STR(""), 0, BW_STR("t")};
  struct bw_trait none = {sizeof none, 2, BW_VALUE_NULL, 0, 5, BW_STR("acme"), BW_STR(""), 0, {0}};
  struct bw_notice n = {sizeof n, BW_URGENCY_HIGH, 6, BW_STR(""), BW_STR("feed_silent"), BW_STR("The feed went quiet.")};
  struct bw_buf b = {0};
  struct bw_reader in;
  struct bw_output o;
  struct bw_error err;
  size_t cut;
  (void)state;
  assert_int_equal(bw_output_add_signal(&b, &s, 2, &err), BW_OK);
  s.evidence = BW_STR("");
  assert_int_equal(bw_output_add_signal(&b, &s, 2, &err), BW_OK);
  assert_int_equal(bw_output_add_trait(&b, &number, 3, &err), BW_OK);
  assert_int_equal(bw_output_add_trait(&b, &text, 3, &err), BW_OK);
  assert_int_equal(bw_output_add_trait(&b, &none, 3, &err), BW_OK);
  assert_int_equal(bw_output_add_notice(&b, &n, &err), BW_OK);
  in = bw_reader(b.data, b.len);
  assert_int_equal(bw_output_next(&in, &o, &err), 1);
  assert_int_equal(o.kind, BW_OUTPUT_SIGNAL);
  assert_int_equal(o.u.signal.type, 1);
  assert_int_equal(o.u.signal.state, BW_OPENED);
  assert_true(o.u.signal.at_ms == 1700000000000);
  assert_true(bw_str_is(o.u.signal.key, "r\xc3\xa9ports"));
  assert_true(o.u.signal.value == 0.25 && o.u.signal.threshold == -3 && o.u.signal.strength == 1);
  assert_true(bw_str_is(o.u.signal.evidence, "{\"a\": [1, {\"b\": null}]}"));
  assert_int_equal(bw_output_next(&in, &o, &err), 1);
  assert_true(bw_str_is(o.u.signal.evidence, "{}"));
  assert_int_equal(bw_output_next(&in, &o, &err), 1);
  assert_true(o.kind == BW_OUTPUT_TRAIT && o.u.trait.number == 1e300);
  assert_int_equal(bw_output_next(&in, &o, &err), 1);
  assert_true(o.u.trait.type == BW_VALUE_STRING && bw_str_is(o.u.trait.text, "t"));
  assert_int_equal(bw_output_next(&in, &o, &err), 1);
  assert_int_equal(o.u.trait.type, BW_VALUE_NULL);
  assert_int_equal(bw_output_next(&in, &o, &err), 1);
  assert_true(o.kind == BW_OUTPUT_NOTICE && o.u.notice.severity == BW_URGENCY_HIGH &&
              bw_str_is(o.u.notice.code, "feed_silent"));
  assert_int_equal(bw_output_next(&in, &o, &err), 0);
  assert_int_equal(bw_output_check(bw_buf_str(&b), 2, 3, &err), BW_OK);
  assert_int_equal(bw_output_check(bw_buf_str(&b), 1, 3, &err), BW_EINVAL);
  assert_int_equal(bw_output_check(bw_buf_str(&b), 2, 2, &err), BW_EINVAL);
  /* Cut anywhere but between two of them, it is refused. */
  for (cut = 1, n.severity = 0; cut < b.len; cut++)
    if (bw_output_check(bw_str_n(b.data, cut), 2, 3, &err) == BW_OK)
      n.severity++;
  assert_int_equal(n.severity, 5);
  bw_buf_clear(&b);
}

/* Each is added, and each is written past the checks and read. */
static void refused_signal(struct bw_signal s, enum bw_code code)
{
  struct bw_buf b = {0};
  struct bw_error err = {0};
  assert_int_equal(bw_output_add_signal(&b, &s, 2, &err), code);
  assert_int_equal(b.len, 0);
  assert_true(err.message[0] != '\0');
  bw_buf_clear(&b);
}

static void refuses(void **state)
{
  char *big = bw_alloc(BW_EVIDENCE_MAX + 1), deep[80];
  struct bw_signal s;
  struct bw_trait t = {sizeof t, 0, BW_VALUE_NUMBER, 0, 5, BW_STR("acme"), BW_STR(""), NAN, {0}};
  struct bw_notice n = {sizeof n, 4, 6, BW_STR(""), BW_STR("x"), BW_STR("y")};
  struct bw_buf b = {0};
  (void)state;
  memset(big, ' ', BW_EVIDENCE_MAX + 1);
  big[0] = '{', big[BW_EVIDENCE_MAX] = '}';
  memset(deep, 0, sizeof deep);
  strcpy(deep, "{\"a\":");
  memset(deep + 5, '[', 20);
  memset(deep + 25, ']', 20);
  deep[45] = '}';
  s = signal_ok(), s.type = 2;
  refused_signal(s, BW_EINVAL);
  s = signal_ok(), s.state = 0;
  refused_signal(s, BW_EINVAL);
  s = signal_ok(), s.at_ms = INT64_MAX;
  refused_signal(s, BW_EINVAL);
  s = signal_ok(), s.account = BW_STR("");
  refused_signal(s, BW_EINVAL);
  s = signal_ok(), s.account = BW_STR("\xed\xa0\x80");
  refused_signal(s, BW_EINVAL);
  s = signal_ok(), s.key = bw_str_n(big, BW_KEY_MAX + 1);
  refused_signal(s, BW_ELIMIT);
  s = signal_ok(), s.value = INFINITY;
  refused_signal(s, BW_EINVAL);
  s = signal_ok(), s.threshold = NAN;
  refused_signal(s, BW_EINVAL);
  s = signal_ok(), s.strength = NAN;
  refused_signal(s, BW_EINVAL);
  s = signal_ok(), s.strength = -0.1;
  refused_signal(s, BW_EINVAL);
  s = signal_ok(), s.evidence = bw_str_n(big, BW_EVIDENCE_MAX + 1);
  refused_signal(s, BW_ELIMIT);
  s = signal_ok(), s.evidence = BW_STR("[]");
  refused_signal(s, BW_EINVAL);
  s = signal_ok(), s.evidence = BW_STR("{\"a\":1,\"a\":2}");
  refused_signal(s, BW_EINVAL);
  s = signal_ok(), s.evidence = BW_STR("{} {}");
  refused_signal(s, BW_EINVAL);
  s = signal_ok(), s.evidence = bw_str(deep);
  refused_signal(s, BW_EINVAL);
  assert_int_equal(bw_output_add_trait(&b, &t, 1, NULL), BW_EINVAL);
  t.number = 0, t.type = BW_VALUE_JSON;
  assert_int_equal(bw_output_add_trait(&b, &t, 1, NULL), BW_EINVAL);
  t.type = BW_VALUE_NUMBER;
  assert_int_equal(bw_output_add_trait(&b, &t, 0, NULL), BW_EINVAL);
  assert_int_equal(bw_output_add_notice(&b, &n, NULL), BW_EINVAL);
  n.severity = 0, n.code = BW_STR("Not a word");
  assert_int_equal(bw_output_add_notice(&b, &n, NULL), BW_EINVAL);
  assert_int_equal(b.len, 0);
  bw_buf_clear(&b);
  free(big);
}

/* Bytes from a seeded generator never crash the reader, and whatever it takes obeys the rules. */
static void garbage(void **state)
{
  struct bw_signal s = signal_ok();
  struct bw_buf good = {0}, b = {0};
  struct bw_output o;
  uint64_t x = 88172645463325252u;
  int i, k;
  (void)state;
  bw_output_add_signal(&good, &s, 2, NULL);
  for (i = 0; i < 20000; i++) {
    struct bw_reader in;
    bw_buf_reset(&b);
    bw_buf_add(&b, good.data, good.len);
    for (k = 0; k < 3; k++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      b.data[x % b.len] = (char)(x >> 32);
    }
    in = bw_reader(b.data, b.len);
    while (bw_output_next(&in, &o, NULL) > 0)
      if (o.kind == BW_OUTPUT_SIGNAL)
        assert_true(isfinite(o.u.signal.value) && o.u.signal.strength >= 0 && o.u.signal.strength <= 1);
  }
  bw_buf_clear(&good);
  bw_buf_clear(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(refuses), cmocka_unit_test(garbage)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

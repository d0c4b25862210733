/* SPDX-License-Identifier: Apache-2.0 */
/* The message: its exact bytes, and everything that must not get into it. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/delivery.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct bw_mail sample(void)
{
  return (struct bw_mail){.from = BW_STR("Ada Okafor <ada@vendor.example>"),
                          .to = BW_STR("dana@acme.example"),
                          .subject = BW_STR("Room for the rest of the team"),
                          .body = BW_STR("Hi Dana,\n\nbest\n"),
                          .date = INT64_C(1795312345000),
                          .lead = BW_STR("L1"),
                          .version = 2,
                          .hash = BW_STR(HASH)};
}

static void builds(const struct bw_mail *m, const char *part)
{
  struct bw_buf out = {0};
  struct bw_error err = {0};
  const char *p, *line;
  if (bw_mail_build(m, &out, &err) < 0)
    fail_msg("%s", err.message);
  if (!strstr(bw_buf_cstr(&out), part))
    fail_msg("no %s in\n%s", part, bw_buf_cstr(&out));
  for (p = line = out.data; p < out.data + out.len; p++) {
    assert_true((unsigned char)*p < 0x7F && (*p >= ' ' || *p == '\n' || *p == '\t'));
    if (*p == '\n') {
      assert_true(p - line <= 78);
      line = p + 1;
    }
  }
  bw_buf_clear(&out);
}

static void refused(const struct bw_mail *m, const char *says)
{
  struct bw_buf out = {0};
  struct bw_error err = {0};
  bw_buf_add_cstr(&out, "kept");
  assert_int_equal(bw_mail_build(m, &out, &err), BW_EINVAL);
  if (!strstr(err.message, says))
    fail_msg("%s", err.message);
  assert_string_equal(bw_buf_cstr(&out), "kept");
  bw_buf_clear(&out);
}

static void a_plain_mail_is_these_bytes(void **state)
{
  struct bw_mail m = sample();
  (void)state;
  builds(&m, "Date: Sun, 22 Nov 2026 01:52:25 +0000\n"
             "From: \"Ada Okafor\"\n <ada@vendor.example>\n"
             "To: dana@acme.example\n"
             "Subject: Room for the rest of the team\n"
             "Message-ID: <bw.v2.00112233445566778899aabbccddeeff@vendor.example>\n"
             "MIME-Version: 1.0\n"
             "Content-Type: text/plain; charset=UTF-8\n"
             "Content-Transfer-Encoding: quoted-printable\n"
             "\n"
             "Hi Dana,\n\nbest\n");
}

static void other_scripts_are_encoded(void **state)
{
  struct bw_mail m = sample();
  (void)state;
  m.subject = BW_STR("Gr\xC3\xBC\xC3\x9F"
                     "e aus K\xC3\xB6ln");
  builds(&m, "Subject: =?UTF-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?=\n");
  m.subject = BW_STR("looks =?UTF-8?Q?encoded?=");
  builds(&m, "Subject: =?UTF-8?B?bG9va3MgPT9VVEYtOD9RP2VuY29kZWQ/PQ==?=\n");
  /* 14 characters of 3 bytes: 13 in the first word, none cut in two. */
  m.subject = BW_STR("\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2"
                     "\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2");
  builds(&m, "Subject: =?UTF-8?B?5ryi5ryi5ryi5ryi5ryi5ryi5ryi5ryi5ryi5ryi5ryi5ryi5ryi?=\n =?UTF-8?B?5ryi?=\n");
  m.from = BW_STR("\xC3\x84"
                  "da <ada@vendor.example>");
  builds(&m, "From: =?UTF-8?B?w4RkYQ==?=\n <ada@vendor.example>\n");
  m.from = BW_STR("Ada \"the <\\>\" O <ada@vendor.example>");
  builds(&m, "From: \"Ada \\\"the <\\\\>\\\" O\"\n <ada@vendor.example>\n");
  m.from = BW_STR("ada@vendor.example");
  builds(&m, "From: ada@vendor.example\n");
}

static void long_lines_are_folded(void **state)
{
  struct bw_mail m = sample();
  (void)state;
  m.subject = BW_STR("aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hhhhhhhhh iiiiiiiii");
  builds(&m, "Subject: aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff\n ggggggggg hhhhhhhhh iiiiiiiii\n");
  m.subject = BW_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  builds(&m, "Subject: =?UTF-8?B?");
  m.to = BW_STR("a@b.example, c@d.example");
  builds(&m, "To: a@b.example,\n c@d.example\n");
  m.body = BW_STR("one = two \nFrom here\n.\ncaf\xC3\xA9\ttab\t\nno end");
  builds(&m, "\n\none =3D two=20\n=46rom here\n=2E\ncaf=C3=A9\ttab=09\nno end=\n");
  m.body = BW_STR("1234567890123456789012345678901234567890123456789012345678901234567890123456\n"
                  "12345678901234567890123456789012345678901234567890123456789012345678901234567\n");
  builds(&m, "\n\n1234567890123456789012345678901234567890123456789012345678901234567890123456\n"
             "123456789012345678901234567890123456789012345678901234567890123456789012345=\n67\n");
}

static void nothing_gets_into_the_headers(void **state)
{
  static const char *const bad[] = {"a\nBcc: x@y.example",
                                    "a\r\nBcc: x@y.example",
                                    "a\rb",
                                    "a\tb",
                                    "a\x7F",
                                    "a\x01",
                                    "a\xC2\x85"
                                    "b",
                                    "a\xE2\x80\xA8"
                                    "b",
                                    "\xFF",
                                    ""};
  struct bw_mail m = sample();
  size_t i;
  (void)state;
  for (i = 0; i < sizeof bad / sizeof *bad; i++) {
    m = sample();
    m.subject = bw_str(bad[i]);
    refused(&m, "Subject");
    m = sample();
    m.to = bw_str(bad[i]);
    refused(&m, "the To");
    m = sample();
    m.from = bw_str(bad[i]);
    refused(&m, "the ");
    m = sample();
    m.domain = bw_str(*bad[i] ? bad[i] : "\n");
    refused(&m, "Message-ID");
  }
  m = sample();
  m.subject = bw_str_n("a\0b", 3);
  refused(&m, "Subject");
  m = sample();
  m.to = BW_STR("dana@acme.example, not an address");
  refused(&m, "the To");
  m.to = BW_STR("dana@acme.example,");
  refused(&m, "the To");
  m = sample();
  m.from = BW_STR("Ada <ada@vendor.example> x");
  refused(&m, "sender");
  m = sample();
  m.body = bw_str_n("a\0b", 3);
  refused(&m, "body");
  m.body = BW_STR("\xC3");
  refused(&m, "body");
  m = sample();
  m.hash = BW_STR("00\n");
  refused(&m, "Message-ID");
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_plain_mail_is_these_bytes), cmocka_unit_test(other_scripts_are_encoded),
                                     cmocka_unit_test(long_lines_are_folded), cmocka_unit_test(nothing_gets_into_the_headers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

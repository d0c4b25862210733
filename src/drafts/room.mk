noinst_LIBRARIES += %D%/libdrafts.a
%C%_libdrafts_a_SOURCES = %D%/clean.c %D%/draft.c %D%/draft_edit.c %D%/draft_store.c %D%/drafts.h %D%/drafts_impl.h \
  %D%/env_view.c %D%/filters.c %D%/hash.c %D%/locale.c %D%/locale.h %D%/locale_table.h %D%/mustache.c %D%/mustache.h %D%/mustache_impl.h %D%/mustache_render.c \
  %D%/template.c
%C%_libdrafts_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_mustache %D%/tests/test_drafts
%C%_tests_test_mustache_SOURCES = %D%/tests/test_mustache.c %D%/tests/json_view.c %D%/tests/json_view.h
%C%_tests_test_mustache_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_mustache_LDADD = $(L_drafts) $(CMOCKA_LIBS)
%C%_tests_test_drafts_SOURCES = %D%/tests/test_drafts.c %D%/tests/json_view.c %D%/tests/json_view.h
%C%_tests_test_drafts_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_drafts_LDADD = $(L_drafts) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_pack
%C%_tests_test_pack_SOURCES = %D%/tests/test_pack.c
%C%_tests_test_pack_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_pack_LDADD = $(L_drafts) $(CMOCKA_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += %D%/tests/fuzz_mustache
%C%_tests_fuzz_mustache_SOURCES = %D%/tests/fuzz_mustache.c
%C%_tests_fuzz_mustache_LDADD = $(L_drafts)
%C%_tests_fuzz_mustache_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

EXTRA_DIST += %D%/tests/corpus %D%/tests/mustache-spec %D%/mklocales.js docs/templates.md docs/signals.md docs/plays \
  tests/golden/drafts

# The default pack, beside what the top Makefile.am names: plays and templates are installed together.
dist_defaultplays_DATA += etc/plays/_gates.yaml etc/plays/_journey.yaml etc/plays/_readiness.yaml \
  etc/plays/adoption-upsell.yaml etc/plays/champion-followed.yaml etc/plays/champion-joined.yaml etc/plays/champion-left.yaml \
  etc/plays/coverage.yaml etc/plays/cross-sell.yaml etc/plays/first-review.yaml etc/plays/free-to-paid.yaml \
  etc/plays/growth-conversation.yaml etc/plays/health-first.yaml etc/plays/inbound-request.yaml \
  etc/plays/protect-and-expand.yaml etc/plays/renewal-expand.yaml etc/plays/renewal-opening.yaml etc/plays/revival.yaml
dist_defaulttemplates_DATA += etc/templates/adoption-upsell.txt etc/templates/champion-followed.txt \
  etc/templates/champion-joined.txt etc/templates/champion-left.txt etc/templates/coverage.txt etc/templates/cross-sell.txt \
  etc/templates/first-review.txt etc/templates/free-to-paid.txt etc/templates/growth-conversation.txt \
  etc/templates/health-first.txt etc/templates/inbound-answer.txt etc/templates/inbound-request.txt etc/templates/protect-and-expand.txt \
  etc/templates/renewal-expand.txt etc/templates/renewal-opening.txt etc/templates/revival-budget.txt \
  etc/templates/revival-buyer.txt etc/templates/revival-capability.txt etc/templates/revival-competitor.txt \
  etc/templates/revival-return.txt etc/templates/revival-timing.txt

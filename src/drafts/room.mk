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

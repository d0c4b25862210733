noinst_LIBRARIES += %D%/libweb.a
%C%_libweb_a_SOURCES = %D%/web.h %D%/internal.h %D%/web.c %D%/events.c %D%/answer.c %D%/body.c %D%/conns.c %D%/config.c \
  %D%/auth.c %D%/routes.c %D%/inflate.c %D%/address.c %D%/stats.c
%C%_libweb_a_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) $(ZLIB_CFLAGS)

# The rooms that web really uses, without the ones between: its tests then build before those do.
%C%_needs = %D%/libweb.a src/control/libcontrol.a $(L_ingest) $(ZLIB_LIBS)

# The HTTP side with a stand-in for core, driven by tests/web.
noinst_PROGRAMS += %D%/tests/web_main
%C%_tests_web_main_SOURCES = %D%/tests/web_main.c
%C%_tests_web_main_LDADD = $(%C%_needs)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_web
%C%_tests_test_web_SOURCES = %D%/tests/test_web.c
%C%_tests_test_web_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_web_LDADD = $(%C%_needs) $(CMOCKA_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += %D%/tests/fuzz_body
%C%_tests_fuzz_body_SOURCES = %D%/tests/fuzz_body.c
%C%_tests_fuzz_body_LDADD = $(%C%_needs)
%C%_tests_fuzz_body_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += %D%/tests/corpus

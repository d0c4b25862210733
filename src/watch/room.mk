noinst_LIBRARIES += %D%/libwatch.a
%C%_libwatch_a_SOURCES = %D%/hosted.c %D%/hosted.h %D%/describe.c %D%/describe.h %D%/watch.c %D%/watch.h %D%/private.h \
  %D%/feed.c %D%/talk.c %D%/poison.c %D%/store.c %D%/snapshot.c
%C%_libwatch_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(ZSTD_CFLAGS)

if HAVE_CMOCKA
noinst_PROGRAMS += %D%/tests/host_main
%C%_tests_host_main_SOURCES = %D%/tests/host_main.c
%C%_tests_host_main_LDADD = $(L_host)

check_PROGRAMS += %D%/tests/test_hosted %D%/tests/test_watch
%C%_tests_test_watch_SOURCES = %D%/tests/test_watch.c
%C%_tests_test_watch_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_watch_LDADD = $(L_watch) $(CMOCKA_LIBS)
%C%_tests_test_hosted_SOURCES = %D%/tests/test_hosted.c
%C%_tests_test_hosted_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_hosted_LDADD = $(L_watch) $(CMOCKA_LIBS)
endif

noinst_LIBRARIES += %D%/libloop.a
%C%_libloop_a_SOURCES = %D%/loop.c %D%/loop.h
%C%_libloop_a_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_loop
%C%_tests_test_loop_SOURCES = %D%/tests/test_loop.c
%C%_tests_test_loop_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_loop_LDADD = $(L_loop) $(CMOCKA_LIBS)
endif

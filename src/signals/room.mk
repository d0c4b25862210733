noinst_LIBRARIES += %D%/libsignals.a
%C%_libsignals_a_SOURCES = %D%/signals.c %D%/apply.c %D%/tick.c %D%/persist.c %D%/catalog.c %D%/known.c %D%/signals.h %D%/private.h
%C%_libsignals_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_signals
%C%_tests_test_signals_SOURCES = %D%/tests/test_signals.c
%C%_tests_test_signals_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_signals_LDADD = $(L_signals) $(CMOCKA_LIBS)
endif

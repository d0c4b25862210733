noinst_LIBRARIES += %D%/libsignals.a
%C%_libsignals_a_SOURCES = %D%/signals.c %D%/apply.c %D%/tick.c %D%/persist.c %D%/catalog.c %D%/known.c %D%/signals.h %D%/private.h
%C%_libsignals_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

if HAVE_CMOCKA
noinst_PROGRAMS += %D%/tests/puppet/usage.so
%C%_tests_puppet_usage_so_SOURCES = %D%/tests/puppet.c %D%/known.c
%C%_tests_puppet_usage_so_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) -fPIC
%C%_tests_puppet_usage_so_LDFLAGS = $(AM_LDFLAGS) -shared
check_PROGRAMS += %D%/tests/test_signals
%C%_tests_test_signals_SOURCES = %D%/tests/test_signals.c
%C%_tests_test_signals_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_signals_LDADD = $(L_signals) $(CMOCKA_LIBS)
endif

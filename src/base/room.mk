noinst_LIBRARIES += %D%/libbase.a
%C%_libbase_a_SOURCES = %D%/error.c %D%/error.h %D%/str.c %D%/str.h %D%/amount.c %D%/amount.h %D%/currency.c %D%/currency.h %D%/language.c %D%/language.h %D%/buf.c %D%/buf.h %D%/hash.h %D%/time.c %D%/time.h %D%/zone.c %D%/zone.h \
  %D%/log.c %D%/log.h %D%/map.c %D%/map.h %D%/json.c %D%/json.h %D%/test.h

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_base
%C%_tests_test_base_SOURCES = %D%/tests/test_base.c
%C%_tests_test_base_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_base_LDADD = $(L_base) $(CMOCKA_LIBS)
endif

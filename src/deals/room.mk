noinst_LIBRARIES += %D%/libdeals.a
%C%_libdeals_a_SOURCES = %D%/deals.c %D%/deals.h %D%/json.c %D%/make.c %D%/outcome.c %D%/persist.c %D%/private.h %D%/record.c %D%/settings.c %D%/write.c

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_deals %D%/tests/test_deals_property
%C%_tests_test_deals_SOURCES = %D%/tests/test_deals.c %D%/tests/world.c %D%/tests/world.h
%C%_tests_test_deals_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_deals_LDADD = $(L_deals) $(CMOCKA_LIBS)
%C%_tests_test_deals_property_SOURCES = %D%/tests/test_deals_property.c %D%/tests/world.c %D%/tests/world.h
%C%_tests_test_deals_property_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_deals_property_LDADD = $(L_deals) $(CMOCKA_LIBS)
endif
EXTRA_DIST += docs/deals.md

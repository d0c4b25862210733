noinst_LIBRARIES += %D%/librules.a
%C%_librules_a_SOURCES = %D%/load.c %D%/load_values.c %D%/load_play.c %D%/load_gates.c %D%/load_readiness.c %D%/load_journey.c \
  %D%/load_timing.c %D%/load_routes.c %D%/band.c %D%/load_people.c %D%/people.c %D%/inspect.c %D%/route_info.c %D%/rules.h \
  %D%/compiled.h %D%/private.h

if HAVE_CMOCKA
rules_config = %D%/tests/config.c %D%/tests/config.h $(names_facts)
check_PROGRAMS += %D%/tests/test_mistakes %D%/tests/test_tables
%C%_tests_test_mistakes_SOURCES = %D%/tests/test_mistakes.c $(rules_config)
%C%_tests_test_mistakes_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_mistakes_LDADD = $(L_rules) $(CMOCKA_LIBS)
%C%_tests_test_tables_SOURCES = %D%/tests/test_tables.c $(rules_config)
%C%_tests_test_tables_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_tables_LDADD = $(L_rules) $(CMOCKA_LIBS)
endif
EXTRA_DIST += etc/plays etc/routes docs/plays.md docs/routing.md

noinst_LIBRARIES += %D%/libplays.a
%C%_libplays_a_SOURCES = %D%/decide.c %D%/readiness.c %D%/journey.c %D%/timing.c %D%/explain.c %D%/change.c %D%/route.c \
  %D%/route_rows.c %D%/pool.c %D%/engine.c %D%/evaluate.c %D%/why_not.c %D%/beside.c %D%/heard.c %D%/samples.c %D%/leads.c \
  %D%/lead_json.c %D%/joins.c %D%/persist.c %D%/worktime.c %D%/budget.c %D%/queue.c %D%/kept.c %D%/plays.h %D%/private.h
%C%_libplays_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

if HAVE_CMOCKA
plays_world = %D%/tests/world.c %D%/tests/world.h $(rules_config)
plays_why = %D%/tests/config.c %D%/tests/config.h $(plays_world)
plays_routing = %D%/tests/routing.c %D%/tests/routing.h $(plays_world)
check_PROGRAMS += %D%/tests/test_plays
%C%_tests_test_plays_SOURCES = %D%/tests/test_plays.c $(plays_world)
%C%_tests_test_plays_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_plays_LDADD = $(L_plays) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_leads
%C%_tests_test_leads_SOURCES = %D%/tests/test_leads.c $(plays_world)
%C%_tests_test_leads_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_leads_LDADD = $(L_plays) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_rules
%C%_tests_test_rules_SOURCES = %D%/tests/test_rules.c $(plays_why)
%C%_tests_test_rules_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_rules_LDADD = $(L_plays) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_past
%C%_tests_test_past_SOURCES = %D%/tests/test_past.c $(plays_why)
%C%_tests_test_past_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_past_LDADD = $(L_plays) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_why
%C%_tests_test_why_SOURCES = %D%/tests/test_why.c $(plays_why)
%C%_tests_test_why_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_why_LDADD = $(L_plays) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_oscillation
%C%_tests_test_oscillation_SOURCES = %D%/tests/test_oscillation.c $(plays_why)
%C%_tests_test_oscillation_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_oscillation_LDADD = $(L_plays) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_timing
%C%_tests_test_timing_SOURCES = %D%/tests/test_timing.c $(plays_why)
%C%_tests_test_timing_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_timing_LDADD = $(L_plays) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_routes
%C%_tests_test_routes_SOURCES = %D%/tests/test_routes.c $(plays_routing)
%C%_tests_test_routes_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_routes_LDADD = $(L_plays) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_budget
%C%_tests_test_budget_SOURCES = %D%/tests/test_budget.c $(plays_routing)
%C%_tests_test_budget_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_budget_LDADD = $(L_plays) $(CMOCKA_LIBS)
endif
EXTRA_DIST += %D%/tests/scenarios %D%/tests/golden %D%/tests/corpus
if FUZZERS
noinst_PROGRAMS += %D%/tests/fuzz_plays
%C%_tests_fuzz_plays_SOURCES = %D%/tests/fuzz_plays.c
%C%_tests_fuzz_plays_LDADD = $(L_plays)
%C%_tests_fuzz_plays_LDFLAGS = -fsanitize=fuzzer
endif
# How long the plays take: make bench-plays && ./bench-plays (from the top of the source tree, or with its etc as argument).
EXTRA_PROGRAMS = bench-plays
bench_plays_SOURCES = bench/plays.c
bench_plays_LDADD = $(L_plays)

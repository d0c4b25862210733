# the usage watcher: a plugin through include/basewatch/plugin.h, and its tests
usage_sources = %D%/actions.c %D%/apply.c %D%/checks_adoption.c %D%/checks_change.c %D%/checks_counters.c %D%/checks_limits.c \
  %D%/checks_long.c %D%/checks_seats.c %D%/checks_silence.c %D%/checks_spread.c %D%/config.c %D%/evaluate.c %D%/extras.def \
  %D%/facts.c %D%/feed.c %D%/fleet.c %D%/merger.c %D%/options.c %D%/persist.c %D%/plugin.c %D%/signals.def %D%/stage.c \
  %D%/traits.c %D%/usage.h %D%/users.c

watchers_PROGRAMS += %D%/usage.so
%C%_usage_so_SOURCES = $(usage_sources)
%C%_usage_so_CFLAGS = $(AM_CFLAGS) -fPIC
%C%_usage_so_LDFLAGS = -shared $(AM_LDFLAGS) -Wl,--exclude-libs,ALL
%C%_usage_so_LDADD = $(L_sdk)

EXTRA_DIST += %D%/tests/harness.h %D%/tests/world.h
if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_signals %D%/tests/test_calm %D%/tests/test_power %D%/tests/test_load %D%/tests/test_stage \
  %D%/tests/test_users
%C%_tests_test_signals_SOURCES = %D%/tests/test_signals.c %D%/tests/harness.c %D%/tests/world.c $(usage_sources)
%C%_tests_test_signals_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_signals_LDADD = $(L_sdk) $(CMOCKA_LIBS)
%C%_tests_test_calm_SOURCES = %D%/tests/test_calm.c %D%/tests/harness.c %D%/tests/world.c $(usage_sources)
%C%_tests_test_calm_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_calm_LDADD = $(L_sdk) $(CMOCKA_LIBS)
%C%_tests_test_stage_SOURCES = %D%/tests/test_stage.c %D%/tests/harness.c %D%/tests/world.c $(usage_sources)
%C%_tests_test_stage_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_stage_LDADD = $(L_sdk) $(CMOCKA_LIBS)
%C%_tests_test_users_SOURCES = %D%/tests/test_users.c %D%/tests/harness.c %D%/tests/world.c $(usage_sources)
%C%_tests_test_users_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_users_LDADD = $(L_sdk) $(CMOCKA_LIBS)
%C%_tests_test_power_SOURCES = %D%/tests/test_power.c %D%/tests/harness.c %D%/tests/world.c $(usage_sources)
%C%_tests_test_power_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_power_LDADD = $(L_sdk) $(CMOCKA_LIBS)
%C%_tests_test_load_SOURCES = %D%/tests/test_load.c
%C%_tests_test_load_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_load_LDADD = $(CMOCKA_LIBS) -ldl
endif

# made by mkman.sh from the tables; run it after changing them
dist_man_MANS += %D%/basewatch-usage.7
EXTRA_DIST += %D%/mkman.sh docs/usage-watcher.md

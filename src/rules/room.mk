noinst_LIBRARIES += %D%/librules.a
%C%_librules_a_SOURCES = %D%/load.c %D%/load_values.c %D%/load_play.c %D%/load_gates.c %D%/load_readiness.c %D%/load_journey.c \
  %D%/load_timing.c %D%/load_routes.c %D%/band.c %D%/load_people.c %D%/people.c %D%/inspect.c %D%/route_info.c %D%/rules.h \
  %D%/compiled.h %D%/private.h
EXTRA_DIST += etc/plays etc/routes docs/plays.md docs/routing.md

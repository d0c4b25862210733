noinst_LIBRARIES += %D%/libplays.a
%C%_libplays_a_SOURCES = %D%/load.c %D%/load_play.c %D%/load_routes.c %D%/names.c %D%/roots.c %D%/env.c %D%/decide.c \
  %D%/route.c %D%/engine.c %D%/leads.c %D%/lead_json.c %D%/persist.c %D%/plays.h %D%/private.h
%C%_libplays_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

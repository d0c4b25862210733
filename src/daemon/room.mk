sbin_PROGRAMS += basewatchd
basewatchd_SOURCES = %D%/main.c %D%/options.c %D%/options.h %D%/web_role.c %D%/web_role.h
basewatchd_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
basewatchd_LDADD = $(L_daemon)

bin_PROGRAMS += basewatch
basewatch_SOURCES = %D%/basewatch.c
basewatch_LDADD = $(L_cli)

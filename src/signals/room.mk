noinst_LIBRARIES += %D%/libsignals.a
%C%_libsignals_a_SOURCES = %D%/signals.c %D%/apply.c %D%/tick.c %D%/persist.c %D%/catalog.c %D%/known.c %D%/signals.h %D%/private.h
%C%_libsignals_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

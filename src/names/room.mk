noinst_LIBRARIES += %D%/libnames.a
%C%_libnames_a_SOURCES = %D%/names.c %D%/account.c %D%/records.c %D%/lead.c %D%/compile.c %D%/functions.c %D%/provenance.c \
  %D%/env.c %D%/read.c %D%/names.h %D%/env.h %D%/private.h
%C%_libnames_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
EXTRA_DIST += docs/names.md

noinst_LIBRARIES += %D%/libdeals.a
%C%_libdeals_a_SOURCES = %D%/deals.c %D%/deals.h %D%/make.c %D%/outcome.c %D%/persist.c %D%/private.h %D%/record.c %D%/settings.c

EXTRA_DIST += docs/deals.md

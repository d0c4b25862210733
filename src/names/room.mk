noinst_LIBRARIES += %D%/libnames.a
%C%_libnames_a_SOURCES = %D%/names.c %D%/account.c %D%/records.c %D%/lead.c %D%/compile.c %D%/domains.c %D%/functions.c %D%/provenance.c \
  %D%/env.c %D%/read.c %D%/given.c %D%/names.h %D%/env.h %D%/private.h
%C%_libnames_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

if HAVE_CMOCKA
# What a test knows; the tests of later rooms build on it.
names_facts = %D%/tests/facts.c %D%/tests/facts.h
check_PROGRAMS += %D%/tests/test_names
%C%_tests_test_names_SOURCES = %D%/tests/test_names.c $(names_facts)
%C%_tests_test_names_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_names_LDADD = $(L_names) $(CMOCKA_LIBS)
endif
EXTRA_DIST += docs/names.md

noinst_LIBRARIES += %D%/libapprovals.a
%C%_libapprovals_a_SOURCES = %D%/approvals.c %D%/approvals.h %D%/audit.c
%C%_libapprovals_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_approvals
%C%_tests_test_approvals_SOURCES = %D%/tests/test_approvals.c
%C%_tests_test_approvals_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_approvals_LDADD = $(L_approvals) $(CMOCKA_LIBS)
endif

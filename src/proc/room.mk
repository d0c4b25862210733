noinst_LIBRARIES += %D%/libproc.a
%C%_libproc_a_SOURCES = %D%/sandbox.c %D%/filter.c %D%/sandbox.h %D%/proc.h %D%/spawn.c %D%/spawn.h %D%/role.c %D%/link.c %D%/notify.c %D%/notify.h \
  %D%/supervise.c
%C%_libproc_a_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_supervise %D%/tests/test_sandbox
%C%_tests_test_sandbox_SOURCES = %D%/tests/test_sandbox.c
%C%_tests_test_sandbox_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_sandbox_LDADD = $(L_proc) $(CMOCKA_LIBS)
%C%_tests_test_supervise_SOURCES = %D%/tests/test_supervise.c
%C%_tests_test_supervise_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_supervise_LDADD = $(L_proc) $(CMOCKA_LIBS)
endif

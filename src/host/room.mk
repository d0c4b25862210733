noinst_LIBRARIES += %D%/libhost.a
%C%_libhost_a_SOURCES = %D%/instance.c %D%/instance.h %D%/load.c %D%/load.h %D%/options.c %D%/describe.c %D%/host.c %D%/messages.c %D%/host.h
%C%_libhost_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SECCOMP_CFLAGS)

if HAVE_CMOCKA
# Watchers that behave in every way that they should not.
toy_cflags = $(AM_CFLAGS) -fPIC
toy_ldflags = $(AM_LDFLAGS) -shared
noinst_PROGRAMS += %D%/tests/good.so %D%/tests/crash.so %D%/tests/hang.so %D%/tests/flood.so %D%/tests/alloc.so %D%/tests/liar.so \
  %D%/tests/failing.so %D%/tests/later.so %D%/tests/old-minor.so %D%/tests/evil1.so %D%/tests/evil2.so %D%/tests/evil3.so \
  %D%/tests/evil4.so %D%/tests/evil5.so %D%/tests/evil6.so %D%/tests/evil7.so
%C%_tests_good_so_SOURCES = %D%/tests/toy.c
%C%_tests_good_so_CFLAGS = $(toy_cflags)
%C%_tests_good_so_LDFLAGS = $(toy_ldflags)
%C%_tests_crash_so_SOURCES = %D%/tests/toy.c
%C%_tests_crash_so_CFLAGS = $(toy_cflags) -DTOY_POISON=1
%C%_tests_crash_so_LDFLAGS = $(toy_ldflags)
%C%_tests_hang_so_SOURCES = %D%/tests/toy.c
%C%_tests_hang_so_CFLAGS = $(toy_cflags) -DTOY_POISON=2
%C%_tests_hang_so_LDFLAGS = $(toy_ldflags)
%C%_tests_flood_so_SOURCES = %D%/tests/toy.c
%C%_tests_flood_so_CFLAGS = $(toy_cflags) -DTOY_POISON=3
%C%_tests_flood_so_LDFLAGS = $(toy_ldflags)
%C%_tests_alloc_so_SOURCES = %D%/tests/toy.c
%C%_tests_alloc_so_CFLAGS = $(toy_cflags) -DTOY_POISON=4
%C%_tests_alloc_so_LDFLAGS = $(toy_ldflags)
%C%_tests_liar_so_SOURCES = %D%/tests/toy.c
%C%_tests_liar_so_CFLAGS = $(toy_cflags) -DTOY_POISON=5
%C%_tests_liar_so_LDFLAGS = $(toy_ldflags)
%C%_tests_failing_so_SOURCES = %D%/tests/toy.c
%C%_tests_failing_so_CFLAGS = $(toy_cflags) -DTOY_POISON=6
%C%_tests_failing_so_LDFLAGS = $(toy_ldflags)
%C%_tests_later_so_SOURCES = %D%/tests/toy.c
%C%_tests_later_so_CFLAGS = $(toy_cflags) -DTOY_STATE_VERSION=2
%C%_tests_later_so_LDFLAGS = $(toy_ldflags)
%C%_tests_evil1_so_SOURCES = %D%/tests/toy.c
%C%_tests_evil1_so_CFLAGS = $(toy_cflags) -DTOY_CONSTRUCTOR=1
%C%_tests_evil1_so_LDFLAGS = $(toy_ldflags)
%C%_tests_evil2_so_SOURCES = %D%/tests/toy.c
%C%_tests_evil2_so_CFLAGS = $(toy_cflags) -DTOY_CONSTRUCTOR=2
%C%_tests_evil2_so_LDFLAGS = $(toy_ldflags)
%C%_tests_evil3_so_SOURCES = %D%/tests/toy.c
%C%_tests_evil3_so_CFLAGS = $(toy_cflags) -DTOY_CONSTRUCTOR=3
%C%_tests_evil3_so_LDFLAGS = $(toy_ldflags)
%C%_tests_evil4_so_SOURCES = %D%/tests/toy.c
%C%_tests_evil4_so_CFLAGS = $(toy_cflags) -DTOY_CONSTRUCTOR=4
%C%_tests_evil4_so_LDFLAGS = $(toy_ldflags)
%C%_tests_evil5_so_SOURCES = %D%/tests/toy.c
%C%_tests_evil5_so_CFLAGS = $(toy_cflags) -DTOY_CONSTRUCTOR=5
%C%_tests_evil5_so_LDFLAGS = $(toy_ldflags)
%C%_tests_evil6_so_SOURCES = %D%/tests/toy.c
%C%_tests_evil6_so_CFLAGS = $(toy_cflags) -DTOY_CONSTRUCTOR=6
%C%_tests_evil6_so_LDFLAGS = $(toy_ldflags)
%C%_tests_evil7_so_SOURCES = %D%/tests/toy.c
%C%_tests_evil7_so_CFLAGS = $(toy_cflags) -DTOY_CONSTRUCTOR=7
%C%_tests_evil7_so_LDFLAGS = $(toy_ldflags)
%C%_tests_old_minor_so_SOURCES = %D%/tests/old_minor.c
%C%_tests_old_minor_so_CFLAGS = $(toy_cflags)
%C%_tests_old_minor_so_LDFLAGS = $(toy_ldflags)

check_PROGRAMS += %D%/tests/test_instance
%C%_tests_test_instance_SOURCES = %D%/tests/test_instance.c
%C%_tests_test_instance_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_instance_LDADD = $(L_host) $(CMOCKA_LIBS)
endif

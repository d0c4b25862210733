noinst_LIBRARIES += %D%/libdelivery.a
%C%_libdelivery_a_SOURCES = %D%/delivery.h %D%/mail.c %D%/maildir.c %D%/outbox.c
%C%_libdelivery_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_mail %D%/tests/test_outbox %D%/tests/test_crash
%C%_tests_test_mail_SOURCES = %D%/tests/test_mail.c
%C%_tests_test_mail_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_mail_LDADD = $(L_delivery) $(CMOCKA_LIBS)
%C%_tests_test_outbox_SOURCES = %D%/tests/test_outbox.c %D%/tests/desk.c %D%/tests/desk.h
%C%_tests_test_outbox_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_outbox_LDADD = $(L_delivery) $(CMOCKA_LIBS)
%C%_tests_test_crash_SOURCES = %D%/tests/test_crash.c %D%/tests/desk.c %D%/tests/desk.h
%C%_tests_test_crash_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_crash_LDADD = $(L_delivery) $(CMOCKA_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += %D%/tests/fuzz_mail
%C%_tests_fuzz_mail_SOURCES = %D%/tests/fuzz_mail.c
%C%_tests_fuzz_mail_LDADD = $(L_delivery)
%C%_tests_fuzz_mail_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

EXTRA_DIST += %D%/tests/corpus/mail/injection %D%/tests/corpus/mail/long %D%/tests/corpus/mail/plain %D%/tests/corpus/mail/utf8

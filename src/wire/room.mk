noinst_LIBRARIES += %D%/libwire.a
%C%_libwire_a_SOURCES = %D%/record.c %D%/record.h %D%/conn.c %D%/conn.h %D%/output.c %D%/output.h
%C%_libwire_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

EXTRA_DIST += %D%/tests/corpus/conn/two %D%/tests/corpus/conn/cut %D%/tests/corpus/conn/long \
  %D%/tests/corpus/output/signal %D%/tests/corpus/output/trait %D%/tests/corpus/output/notice

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_conn %D%/tests/test_output
%C%_tests_test_conn_SOURCES = %D%/tests/test_conn.c
%C%_tests_test_conn_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_conn_LDADD = $(L_wire) $(CMOCKA_LIBS)
%C%_tests_test_output_SOURCES = %D%/tests/test_output.c
%C%_tests_test_output_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_output_LDADD = $(L_wire) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_record
%C%_tests_test_record_SOURCES = %D%/tests/test_record.c
%C%_tests_test_record_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_record_LDADD = $(L_wire) $(CMOCKA_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += %D%/tests/fuzz_conn %D%/tests/fuzz_output
%C%_tests_fuzz_conn_SOURCES = %D%/tests/fuzz_conn.c
%C%_tests_fuzz_conn_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_tests_fuzz_conn_LDADD = $(L_wire)
%C%_tests_fuzz_output_SOURCES = %D%/tests/fuzz_output.c
%C%_tests_fuzz_output_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_tests_fuzz_output_LDADD = $(L_wire)
endif

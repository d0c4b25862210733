noinst_LIBRARIES += %D%/libwire.a
%C%_libwire_a_SOURCES = %D%/record.c %D%/record.h %D%/conn.c %D%/conn.h %D%/output.c %D%/output.h
%C%_libwire_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_record
%C%_tests_test_record_SOURCES = %D%/tests/test_record.c
%C%_tests_test_record_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_record_LDADD = $(L_wire) $(CMOCKA_LIBS)
endif

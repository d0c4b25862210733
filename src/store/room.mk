noinst_LIBRARIES += %D%/libstore.a
%C%_libstore_a_SOURCES = %D%/store.c %D%/stmt.c %D%/schema.c %D%/lock.c %D%/wal.c %D%/store.h %D%/private.h
%C%_libstore_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_store
%C%_tests_test_store_SOURCES = %D%/tests/test_store.c
%C%_tests_test_store_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_store_LDADD = $(L_store) $(CMOCKA_LIBS)
endif

noinst_LIBRARIES += %D%/libbook.a
%C%_libbook_a_SOURCES = %D%/book.c %D%/entity.c %D%/index.c %D%/apply.c %D%/numbers.c %D%/saved.c %D%/words.c %D%/book.h %D%/private.h
%C%_libbook_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_book
%C%_tests_test_book_SOURCES = %D%/tests/test_book.c
%C%_tests_test_book_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_book_LDADD = $(L_book) $(CMOCKA_LIBS)
endif
if FUZZERS
noinst_PROGRAMS += %D%/tests/fuzz_field
%C%_tests_fuzz_field_SOURCES = %D%/tests/fuzz_field.c
%C%_tests_fuzz_field_LDADD = $(L_book)
%C%_tests_fuzz_field_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += %D%/tests/corpus

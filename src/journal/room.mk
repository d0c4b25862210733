noinst_LIBRARIES += %D%/libjournal.a
%C%_libjournal_a_SOURCES = %D%/journal.c %D%/block.c %D%/lost.c %D%/merge.c %D%/read.c %D%/journal.h %D%/private.h
%C%_libjournal_a_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS) $(SODIUM_CFLAGS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_journal
%C%_tests_test_journal_SOURCES = %D%/tests/test_journal.c
%C%_tests_test_journal_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_journal_LDADD = $(L_journal) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/tests/test_merge
%C%_tests_test_merge_SOURCES = %D%/tests/test_merge.c
%C%_tests_test_merge_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_merge_LDADD = $(L_journal) $(CMOCKA_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += %D%/tests/fuzz_block
%C%_tests_fuzz_block_SOURCES = %D%/tests/fuzz_block.c
%C%_tests_fuzz_block_LDADD = $(L_journal)
%C%_tests_fuzz_block_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += %D%/tests/corpus/block/raw.bin %D%/tests/corpus/block/zstd.bin %D%/tests/corpus/block/lies.bin %D%/tests/corpus/block/parts.bin

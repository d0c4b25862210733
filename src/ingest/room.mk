noinst_LIBRARIES += %D%/libingest.a
%C%_libingest_a_SOURCES = %D%/arena.h %D%/batch.c %D%/body.c %D%/chunk.c %D%/chunk.h %D%/csv.c %D%/csv.h %D%/csv_columns.c %D%/csv_columns.h \
  %D%/dedup.c %D%/dedup.h %D%/domain.c %D%/identity.c %D%/identity.h %D%/identity_domains.c %D%/identity_store.c %D%/identity_tables.c \
  %D%/identity_tables.h %D%/input.c %D%/input.h %D%/json.c %D%/json.h %D%/keys.c %D%/mask.c %D%/mask.h %D%/parser.h %D%/reader.c %D%/reader.h \
  %D%/scan.c %D%/segment.c %D%/segment.h %D%/shapes.c
%C%_libingest_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(PSL_CFLAGS) $(IDN2_CFLAGS) $(ZLIB_CFLAGS) $(ZSTD_CFLAGS)
L_ingest += $(ZLIB_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_json
%C%_tests_test_json_SOURCES = %D%/tests/test_json.c
%C%_tests_test_json_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_json_LDADD = $(L_ingest) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_segment
%C%_tests_test_segment_SOURCES = %D%/tests/test_segment.c
%C%_tests_test_segment_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_segment_LDADD = $(L_ingest) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_shapes
%C%_tests_test_shapes_SOURCES = %D%/tests/test_shapes.c
%C%_tests_test_shapes_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_shapes_LDADD = $(L_ingest) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_dedup
%C%_tests_test_dedup_SOURCES = %D%/tests/test_dedup.c
%C%_tests_test_dedup_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_dedup_LDADD = $(L_ingest) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_identity
%C%_tests_test_identity_SOURCES = %D%/tests/test_identity.c
%C%_tests_test_identity_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_identity_LDADD = $(L_ingest) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_csv
%C%_tests_test_csv_SOURCES = %D%/tests/test_csv.c
%C%_tests_test_csv_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_csv_LDADD = $(L_ingest) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_reader
%C%_tests_test_reader_SOURCES = %D%/tests/test_reader.c
%C%_tests_test_reader_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(ZLIB_CFLAGS) $(ZSTD_CFLAGS)
%C%_tests_test_reader_LDADD = $(L_ingest) $(CMOCKA_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += %D%/tests/fuzz_body
%C%_tests_fuzz_body_SOURCES = %D%/tests/fuzz_body.c
%C%_tests_fuzz_body_LDADD = $(L_ingest)
%C%_tests_fuzz_body_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += %D%/tests/fuzz_csv
%C%_tests_fuzz_csv_SOURCES = %D%/tests/fuzz_csv.c
%C%_tests_fuzz_csv_LDADD = $(L_ingest)
%C%_tests_fuzz_csv_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += %D%/tests/fuzz_email
%C%_tests_fuzz_email_SOURCES = %D%/tests/fuzz_email.c
%C%_tests_fuzz_email_LDADD = $(L_ingest)
%C%_tests_fuzz_email_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += %D%/tests/fuzz_mask
%C%_tests_fuzz_mask_SOURCES = %D%/tests/fuzz_mask.c
%C%_tests_fuzz_mask_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_fuzz_mask_LDADD = $(L_ingest) $(JANSSON_LIBS)
%C%_tests_fuzz_mask_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += %D%/tests/fuzz_reader
%C%_tests_fuzz_reader_SOURCES = %D%/tests/fuzz_reader.c
%C%_tests_fuzz_reader_LDADD = $(L_ingest)
%C%_tests_fuzz_reader_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += %D%/tests/corpus/body %D%/tests/corpus/csv %D%/tests/corpus/email %D%/tests/corpus/mask %D%/tests/corpus/reader

noinst_LIBRARIES += %D%/libingest.a
%C%_libingest_a_SOURCES = %D%/arena.h %D%/batch.c %D%/body.c %D%/chunk.c %D%/chunk.h %D%/csv.c %D%/csv.h %D%/csv_columns.c %D%/csv_columns.h \
  %D%/dedup.c %D%/dedup.h %D%/domain.c %D%/identity.c %D%/identity.h %D%/input.c %D%/input.h %D%/json.c %D%/json.h %D%/keys.c %D%/parser.h %D%/reader.c %D%/reader.h \
  %D%/scan.c %D%/segment.c %D%/segment.h
%C%_libingest_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(PSL_CFLAGS) $(IDN2_CFLAGS) $(ZLIB_CFLAGS) $(ZSTD_CFLAGS)
L_ingest += $(ZLIB_LIBS)

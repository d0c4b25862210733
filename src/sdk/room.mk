# libbasewatch-sdk: what plugins link; position-independent, with the base objects that it needs.
lib_LIBRARIES = %D%/libbasewatch-sdk.a
%C%_libbasewatch_sdk_a_SOURCES = %D%/detect.c %D%/detect.h %D%/index.c %D%/index.h %D%/jsonin.c %D%/jsonin.h %D%/sdk.h \
  %D%/series.c %D%/series.h %D%/state.c %D%/state.h %D%/stats.c %D%/stats.h \
  src/base/buf.c src/base/error.c src/base/json.c src/base/str.c src/base/time.c
%C%_libbasewatch_sdk_a_CFLAGS = $(AM_CFLAGS) -fPIC
L_sdk = %D%/libbasewatch-sdk.a -lm

basewatchinclude_HEADERS += include/basewatch/sdk.h
sdkincludedir = $(includedir)/basewatch/sdk
sdkinclude_HEADERS = %D%/detect.h %D%/index.h %D%/jsonin.h %D%/sdk.h %D%/series.h %D%/state.h %D%/stats.h
sdkbaseincludedir = $(includedir)/basewatch/base
sdkbaseinclude_HEADERS = src/base/buf.h src/base/error.h src/base/hash.h src/base/json.h src/base/str.h src/base/time.h

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_sdk
%C%_tests_test_sdk_SOURCES = %D%/tests/test_sdk.c
%C%_tests_test_sdk_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_sdk_LDADD = $(L_sdk) $(CMOCKA_LIBS)
endif

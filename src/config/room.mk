noinst_LIBRARIES += %D%/libconfig.a
%C%_libconfig_a_SOURCES = %D%/node.c %D%/document.c %D%/inside.c %D%/settings.c %D%/config.h %D%/private.h
%C%_libconfig_a_CFLAGS = $(AM_CFLAGS) $(FYAML_CFLAGS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_config
%C%_tests_test_config_SOURCES = %D%/tests/test_config.c
%C%_tests_test_config_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_config_LDADD = $(L_config) $(CMOCKA_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += %D%/tests/fuzz_yaml
%C%_tests_fuzz_yaml_SOURCES = %D%/tests/fuzz_yaml.c
%C%_tests_fuzz_yaml_LDADD = $(L_config)
%C%_tests_fuzz_yaml_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += %D%/tests/corpus/yaml/play.yaml %D%/tests/corpus/yaml/anchors.yaml %D%/tests/corpus/yaml/settings.yaml \
  %D%/tests/corpus/yaml/stream.yaml

noinst_LIBRARIES += %D%/liblint.a
%C%_liblint_a_SOURCES = %D%/lint.c %D%/lint.h %D%/private.h %D%/files.c %D%/term.c %D%/term.h %D%/logic.c %D%/rules.c \
  %D%/rules_gates.c %D%/rules_whom.c %D%/rules_play.c %D%/rules_route.c %D%/rules_draft.c %D%/rules_config.c
%C%_liblint_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_lint
%C%_tests_test_lint_SOURCES = %D%/tests/test_lint.c
%C%_tests_test_lint_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_tests_test_lint_LDADD = $(L_lint) $(CMOCKA_LIBS)
endif
EXTRA_DIST += %D%/tests/configs %D%/tests/findings.txt docs/lint.md
if FUZZERS
noinst_PROGRAMS += %D%/tests/fuzz_term
%C%_tests_fuzz_term_SOURCES = %D%/tests/fuzz_term.c
%C%_tests_fuzz_term_LDADD = $(L_lint)
%C%_tests_fuzz_term_LDFLAGS = -fsanitize=fuzzer
endif
EXTRA_DIST += %D%/tests/corpus

noinst_LIBRARIES += %D%/libexpr.a
%C%_libexpr_a_SOURCES = %D%/lex.c %D%/literal.c %D%/parse.c %D%/types.c %D%/check.c %D%/check_name.c %D%/check_compare.c %D%/check_call.c %D%/compile.c \
  %D%/macros.c %D%/eval.c %D%/compare.c %D%/numbers.c %D%/texts.c %D%/times.c %D%/regex.c %D%/builtins.c %D%/value.c %D%/print.c \
  %D%/expr.h %D%/private.h
%C%_libexpr_a_CFLAGS = $(AM_CFLAGS) $(PCRE2_CFLAGS)
L_expr += $(PCRE2_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_expr
%C%_tests_test_expr_SOURCES = %D%/tests/test_expr.c
%C%_tests_test_expr_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_expr_LDADD = $(L_expr) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_language
%C%_tests_test_language_SOURCES = %D%/tests/test_language.c
%C%_tests_test_language_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_language_LDADD = $(L_expr) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_docs
%C%_tests_test_docs_SOURCES = %D%/tests/test_docs.c
%C%_tests_test_docs_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_docs_LDADD = $(L_expr) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/tests/test_conformance
%C%_tests_test_conformance_SOURCES = %D%/tests/test_conformance.c %D%/tests/textproto.c %D%/tests/textproto.h
%C%_tests_test_conformance_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_conformance_LDADD = $(L_expr) $(CMOCKA_LIBS)
endif
EXTRA_DIST += %D%/tests/corpus %D%/tests/cel-spec %D%/tests/conformance.txt docs/expressions.md
if FUZZERS
noinst_PROGRAMS += %D%/tests/fuzz_expr
%C%_tests_fuzz_expr_SOURCES = %D%/tests/fuzz_expr.c
%C%_tests_fuzz_expr_LDADD = $(L_expr)
%C%_tests_fuzz_expr_LDFLAGS = -fsanitize=fuzzer
endif

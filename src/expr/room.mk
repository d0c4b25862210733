noinst_LIBRARIES += %D%/libexpr.a
%C%_libexpr_a_SOURCES = %D%/lex.c %D%/parse.c %D%/check.c %D%/builtins.c %D%/eval.c %D%/value.c %D%/expr.h %D%/private.h
%C%_libexpr_a_CFLAGS = $(AM_CFLAGS) $(PCRE2_CFLAGS)
L_expr += $(PCRE2_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_expr
%C%_tests_test_expr_SOURCES = %D%/tests/test_expr.c
%C%_tests_test_expr_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_expr_LDADD = $(L_expr) $(CMOCKA_LIBS)
endif
EXTRA_DIST += %D%/tests/corpus
if FUZZERS
noinst_PROGRAMS += %D%/tests/fuzz_expr
%C%_tests_fuzz_expr_SOURCES = %D%/tests/fuzz_expr.c
%C%_tests_fuzz_expr_LDADD = $(L_expr)
%C%_tests_fuzz_expr_LDFLAGS = -fsanitize=fuzzer
endif

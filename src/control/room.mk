noinst_LIBRARIES += %D%/libcontrol.a
%C%_libcontrol_a_SOURCES = %D%/api.h %D%/internal.h %D%/commands.c %D%/codec.c %D%/server.c %D%/server.h %D%/socket.c \
  %D%/socket.h %D%/client.c %D%/client.h %D%/link.c %D%/metrics.c %D%/metrics.h
%C%_libcontrol_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_control
%C%_tests_test_control_SOURCES = %D%/tests/test_control.c
%C%_tests_test_control_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_control_LDADD = %D%/libcontrol.a $(L_wire) $(CMOCKA_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += %D%/tests/fuzz_command
%C%_tests_fuzz_command_SOURCES = %D%/tests/fuzz_command.c
%C%_tests_fuzz_command_LDADD = %D%/libcontrol.a $(L_wire)
%C%_tests_fuzz_command_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += %D%/tests/corpus

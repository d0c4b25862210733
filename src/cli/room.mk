noinst_LIBRARIES += %D%/libcli.a
%C%_libcli_a_SOURCES = %D%/cli.h %D%/internal.h %D%/main.c %D%/ask.c %D%/text.c %D%/table.c %D%/parts.c %D%/cmd_account.c \
  %D%/cmd_config.c %D%/cmd_deals.c %D%/cmd_outcome.c %D%/cmd_decide.c %D%/cmd_edit.c %D%/cmd_export.c %D%/cmd_import.c %D%/cmd_lint.c %D%/cmd_plays.c %D%/cmd_inbox.c %D%/cmd_lists.c %D%/cmd_show.c \
  %D%/cmd_status.c %D%/cmd_verify.c %D%/cmd_why.c %D%/cmd_why_not.c %D%/explain.c %D%/explain.h %D%/sentence.c %D%/plugin.h %D%/cmd_plugin.c %D%/cmd_plugin_check.c %D%/cmd_plugin_new.c \
  %D%/cmd_plugin_work.c
%C%_libcli_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_libcli_a_CPPFLAGS = $(AM_CPPFLAGS) -DBW_PKGDATADIR='"$(pkgdatadir)"'

# What `basewatch plugin new` copies: the example itself.
plugintemplatedir = $(pkgdatadir)/plugin
dist_plugintemplate_DATA = examples/comeback/comeback.c examples/comeback/comeback.yaml examples/comeback/Makefile \
  examples/comeback/README.md examples/comeback/events.jsonl examples/comeback/expected.jsonl

%C%_needs = $(L_cli)

noinst_PROGRAMS += %D%/tests/cli_main
%C%_tests_cli_main_SOURCES = %D%/tests/cli_main.c
%C%_tests_cli_main_LDADD = $(%C%_needs)

if HAVE_CMOCKA
check_PROGRAMS += %D%/tests/test_cli
%C%_tests_test_cli_SOURCES = %D%/tests/test_cli.c
%C%_tests_test_cli_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
%C%_tests_test_cli_LDADD = $(%C%_needs) $(CMOCKA_LIBS)
endif
dist_man_MANS += docs/man/basewatch.1

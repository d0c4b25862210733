noinst_LIBRARIES += %D%/libcli.a
%C%_libcli_a_SOURCES = %D%/cli.h %D%/internal.h %D%/main.c %D%/ask.c %D%/text.c %D%/table.c %D%/parts.c %D%/cmd_account.c \
  %D%/cmd_config.c %D%/cmd_decide.c %D%/cmd_export.c %D%/cmd_import.c %D%/cmd_inbox.c %D%/cmd_lists.c %D%/cmd_show.c \
  %D%/cmd_status.c %D%/cmd_why_not.c
%C%_libcli_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

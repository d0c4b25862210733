noinst_LIBRARIES += %D%/libcore.a
%C%_libcore_a_SOURCES = %D%/core.c %D%/core.h %D%/private.h %D%/commit.c %D%/intake.c %D%/progress.c %D%/ticks.c %D%/history.c %D%/queue.c %D%/upkeep.c %D%/plays_diff.c %D%/answers_plays.c %D%/decide.c %D%/outcome.c %D%/accepted.c %D%/edit.c %D%/note.c %D%/answers.c %D%/who.c \
  %D%/answers_status.c %D%/answers_leads.c %D%/answers_deals.c %D%/answers_account.c %D%/answers_records.c %D%/answers_signals.c
%C%_libcore_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

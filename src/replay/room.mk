noinst_LIBRARIES += %D%/libreplay.a
%C%_libreplay_a_SOURCES = %D%/replay.c %D%/replay.h %D%/runner.c %D%/runner.h %D%/command.c %D%/command.h

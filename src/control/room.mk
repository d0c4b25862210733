noinst_LIBRARIES += %D%/libcontrol.a
%C%_libcontrol_a_SOURCES = %D%/api.h %D%/internal.h %D%/commands.c %D%/codec.c %D%/server.c %D%/server.h %D%/socket.c \
  %D%/socket.h %D%/client.c %D%/client.h %D%/link.c %D%/metrics.c %D%/metrics.h
%C%_libcontrol_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

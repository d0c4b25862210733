noinst_LIBRARIES += %D%/libhost.a
%C%_libhost_a_SOURCES = %D%/instance.c %D%/instance.h %D%/load.c %D%/load.h %D%/options.c %D%/describe.c %D%/host.h
%C%_libhost_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SECCOMP_CFLAGS)

noinst_LIBRARIES += %D%/libproc.a
%C%_libproc_a_SOURCES = %D%/sandbox.c %D%/filter.c %D%/sandbox.h %D%/proc.h
%C%_libproc_a_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS) $(SYSTEMD_CFLAGS)

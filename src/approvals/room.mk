noinst_LIBRARIES += %D%/libapprovals.a
%C%_libapprovals_a_SOURCES = %D%/room.c

noinst_LIBRARIES += %D%/libproc.a
%C%_libproc_a_SOURCES = %D%/room.c

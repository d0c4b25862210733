noinst_LIBRARIES += %D%/libloop.a
%C%_libloop_a_SOURCES = %D%/room.c

noinst_LIBRARIES += %D%/libdrafts.a
%C%_libdrafts_a_SOURCES = %D%/room.c

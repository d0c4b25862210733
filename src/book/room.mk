noinst_LIBRARIES += %D%/libbook.a
%C%_libbook_a_SOURCES = %D%/room.c

noinst_LIBRARIES += %D%/libweb.a
%C%_libweb_a_SOURCES = %D%/room.c

noinst_LIBRARIES += %D%/libsignals.a
%C%_libsignals_a_SOURCES = %D%/room.c

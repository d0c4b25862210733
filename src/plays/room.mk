noinst_LIBRARIES += %D%/libplays.a
%C%_libplays_a_SOURCES = %D%/room.c

noinst_LIBRARIES += %D%/libcontrol.a
%C%_libcontrol_a_SOURCES = %D%/room.c

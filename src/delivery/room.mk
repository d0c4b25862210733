noinst_LIBRARIES += %D%/libdelivery.a
%C%_libdelivery_a_SOURCES = %D%/room.c

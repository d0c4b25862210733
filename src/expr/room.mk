noinst_LIBRARIES += %D%/libexpr.a
%C%_libexpr_a_SOURCES = %D%/room.c

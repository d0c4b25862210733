noinst_LIBRARIES += %D%/libpipeline.a
%C%_libpipeline_a_SOURCES = %D%/setup.c %D%/setup.h %D%/pipeline.c %D%/pipeline.h

/* tests/fuzz/idx_seeds.h: IDX files of every type, and headers with one fault each. */
#ifndef TAP_TESTS_FUZZ_IDX_SEEDS_H
#define TAP_TESTS_FUZZ_IDX_SEEDS_H

#include "tests/fuzz/fuzz.h"

static inline void idx_seeds(fuzz_put *put)
{
    FUZZ_PUT(put, "u8", "\0\0\x08\2\0\0\0\2\0\0\0\3\1\2\3\4\5\6");
    FUZZ_PUT(put, "i8", "\0\0\x09\1\0\0\0\2\x7f\x80");
    FUZZ_PUT(put, "i16", "\0\0\x0b\1\0\0\0\2\1\2\xff\xfe");
    FUZZ_PUT(put, "i32", "\0\0\x0c\1\0\0\0\2\x7f\xff\xff\xff\x80\0\0\1");
    FUZZ_PUT(put, "f32", "\0\0\x0d\1\0\0\0\2\x3f\xc0\0\0\xff\xc0\0\1");
    FUZZ_PUT(put, "f64", "\0\0\x0e\1\0\0\0\2\x3f\xf8\0\0\0\0\0\0\xc0\4\0\0\0\0\0\0");
    FUZZ_PUT(put, "scalar", "\0\0\x08\0\1");
    FUZZ_PUT(put, "empty", "\0\0\x0d\2\0\0\0\0\xff\xff\xff\xff");
    FUZZ_PUT(put, "rank_8", "\0\0\x08\x08\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\2\1\2");
    FUZZ_PUT(put, "rank_9", "\0\0\x08\x09\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\1");
    FUZZ_PUT(put, "rank_255", "\0\0\x08\xff\0\0\0\1");
    FUZZ_PUT(put, "left_over", "\0\0\x08\1\0\0\0\2\1\2\3");
    FUZZ_PUT(put, "missing", "\0\0\x0c\1\0\0\0\2\1\2\3\4\5\6\7");
    FUZZ_PUT(put, "no_type", "\0\0\x0a\1\0\0\0\1\1");
    FUZZ_PUT(put, "no_magic", "\0\1\x08\1\0\0\0\1\1");
    FUZZ_PUT(put, "gigabytes", "\0\0\x09\1\xff\xff\xff\xff\1");
    FUZZ_PUT(put, "overflow_64", "\0\0\x08\2\xff\xff\xff\xff\xff\xff\xff\xff\1");
    FUZZ_PUT(put, "overflow_to_0", "\0\0\x08\4\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0");
    FUZZ_PUT(put, "overflow_to_1", "\0\0\x0e\2\x20\0\0\0\0\0\0\x08\1\2\3\4\5\6\7\x08");
    FUZZ_PUT(put, "empty_overflow", "\0\0\x08\4\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0");
}

#endif

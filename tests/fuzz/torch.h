/* tests/fuzz/torch.h: for the targets that read files of torch.save: pickles, and checks of what was read. */
#ifndef TAP_TESTS_FUZZ_TORCH_H
#define TAP_TESTS_FUZZ_TORCH_H

#include "tensor/io/json.h"
#include "tests/fuzz/fuzz.h"

#define TEXT(n, text)       "U" n text
#define STORAGE(type, key)  "(" TEXT("\7", "storage") "ctorch\n" type "Storage\n" TEXT("\1", key) TEXT("\3", "cpu") "K\4tQ"
#define REBUILD(storage, v) "ctorch._utils\n_rebuild_tensor_v" v "\n(" storage "K\0K\2K\2\x86K\1K\2\x86\x89}"
#define FLOATS(key)         REBUILD(STORAGE("Float", key), "2") "tR"
#define FUZZ_MAGIC \
    "\x80\2\x8a\nl\xfc\x9c" \
    "F\xf9 j\xa8P\x19.\x80\2M\xe9\3.\x80\2}."
#define FUZZ_FLOATS "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40"

/* Dicts, shared storages, parameters, values, and what is refused. */
#define FUZZ_PICKLES(PICKLE) \
    PICKLE("tensor", "\x80\2" FLOATS("0") ".") \
    PICKLE("dict", "\x80\2ccollections\nOrderedDict\n)R(" TEXT("\1", "w") FLOATS("0") "q\1" TEXT("\1", "v") "h\1u}U\1mNsb.") \
    PICKLE("nested", "\x80\2}(" TEXT("\1", "a") "}K\1" FLOATS("0") "s" TEXT("\1", "b") "](K\1G\x3f\xf0\0\0\0\0\0\0\x88Neu.") \
    PICKLE("parameter", "\x80\2" \
                        "ctorch._utils\n_rebuild_parameter\n(" FLOATS("0") "\x88}tR.") \
    PICKLE("half", "\x80\2" REBUILD(STORAGE("Half", "1"), "2") "tR.") \
    PICKLE("dtype", "\x80\2" REBUILD(STORAGE("Untyped", "1"), "3") "ctorch\nuint16\ntR.") \
    PICKLE("typed", "\x80\2" \
                    "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch\nTensor\n(" STORAGE( \
                        "Float", "0") "K\1))\x89}t}tR.") \
    PICKLE("protocol_4", "\x80\4\x95\1\0\0\0\0\0\0\0}\x94\x8c\1a\x94\x8c\5torch\x94\x8c\4Size\x94\x93K\2K\3\x86\x85Rs.") \
    PICKLE("old", "}(U\1aI01\nU\1bL12L\nU\1cc__builtin__\nset\n(](K\1K\2etRU\1dT\1\0\0\0xu.") \
    PICKLE("system", "\x80\2" \
                     "cposix\nsystem\nU\4true\x85R.") \
    PICKLE("itself", "]q\1h\1a.") \
    PICKLE("twice", "]q\1](h\1h\1eq\2](h\2h\2eq\3](h\3h\3e.") \
    PICKLE("memo", "Nr\xff\xff\xff\x7f.") \
    PICKLE("stack", "((0K\1" \
                    "2\x85" \
                    "1.") \
    PICKLE("bytes", "](C\1aB\1\0\0\0b\x8a\11\0\0\0\0\0\0\0\0\1\x96\1\0\0\0\0\0\0\0ce.")

/* Reads these bytes as a file of torch.save, and checks the outcome. n: how many bytes were generated. */
static inline void check_torch(const void *bytes, size_t size, size_t n)
{
    tap_arena      *a = tap_arena_new();
    const char     *path = fuzz_file(bytes, size);
    tap_safetensors s = tap_torch_read(a, path);
    const bool      ok = tap_arena_status(a, NULL) == TAP_OK;
    size_t          data_bytes = 0;
    FUZZ_CHECK(ok || (s.n == 0 && !s.tensors && s.n_metadata == 0 && !s.metadata), "%d tensors of a bad file", s.n);
    for (int i = 0; i < s.n; i++) {
        FUZZ_CHECK(tap__is_utf8(s.tensors[i].name), "%d", i);
        if (tap_tensor_numel(s.tensors[i].tensor) < 1 << 16) /* an expanded tensor may have any size */
            data_bytes += fuzz_touch(s.tensors[i].tensor);
    }
    for (int i = 0; i < s.n_metadata; i++)
        FUZZ_CHECK(tap__is_utf8(s.metadata[i].key) && tap__is_utf8(s.metadata[i].value), "%d", i);
    fuzz_check_arena(a, path, n, data_bytes);
    tap_arena_free(a);
}

#endif

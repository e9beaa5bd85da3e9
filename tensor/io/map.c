/* tensor/io/map.c: maps files into memory, and makes tensors of the arrays in them. */
#define _DEFAULT_SOURCE
#include "tensor/io/map.h"

#include <errno.h>
#include <sys/mman.h>

#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/io/file.h"
#include "tensor/io/stored.h"

static void unmap(void *p, size_t n)
{
    munmap(p, n);
}

/* Private and writable, so that a write to a tensor of a file changes the tensor alone, and is no fault. Without a reservation,
 * as the file may be larger than the memory that there is. */
void *tap__map_file(const tap__reader *in, uint64_t size)
{
    if (size == 0 || size > SIZE_MAX / 2) {
        tap__reader_fail(in, TAP_EIO, "cannot be mapped: it has %llu bytes", (unsigned long long)size);
        return NULL;
    }
    void *p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, in->fd, 0);
    if (p == MAP_FAILED) {
        tap__reader_fail(in, tap__errno_status(errno), "cannot be mapped: %s", tap__strerror(errno));
        return NULL;
    }
    if (tap__arena_own(in->arena, p, (size_t)size, unmap)) return p;
    munmap(p, (size_t)size);
    return NULL;
}

/* ---- Arrays ------------------------------------------------------------------------------------------------------ */

/* Records an error that names the tensor, if the file holds several. */
static bool fail(const tap__reader *in, const tap__stored *x, const char *why)
{
    if (x->name) return tap__reader_fail(in, TAP_EDTYPE, "tensor '%.100s' cannot be mapped: %s", x->name, why);
    return tap__reader_fail(in, TAP_EDTYPE, "cannot be mapped: %s", why);
}

/* A byte that is neither 0 nor 1 would not be a bool. */
static bool is_native(tap__element e)
{
    return e == TAP__FILE_U8 || e == TAP__FILE_I64 || e == TAP__FILE_F32 || e == TAP__FILE_F64;
}

static bool check(const tap__reader *in, const tap__stored *x)
{
    const int size = tap__element_size(x->element);
    char      why[100];
    if (!is_native(x->element)) {
        snprintf(why, sizeof why, "its elements are %s, which must be converted", tap__element_name(x->element));
        return fail(in, x, why);
    }
    if (x->big_endian && size > 1) return fail(in, x, "its elements are big-endian");
    if (x->offset % (unsigned)size == 0) return true;
    snprintf(why, sizeof why, "its elements begin at byte %llu, which is no multiple of %d", (unsigned long long)x->offset,
             size);
    return fail(in, x, why);
}

/* Fortran order is C order of the reversed axes. */
tap_tensor tap__stored_view(const tap__reader *in, const tap__stored *x, void *file)
{
    if (!check(in, x)) return (tap_tensor){ 0 };
    const int  rank = x->shape.rank;
    tap_tensor view = tap_tensor_wrap(tap__element_dtype(x->element), x->shape, (char *)file + x->offset);
    int64_t    stride = 1;
    for (int i = 0; i < rank && x->fortran; i++) {
        view.stride[i] = stride;
        stride *= x->shape.n[i];
    }
    return view;
}

static tap_tensor map_one(tap_arena *a, const char *path, const char *format, bool (*locate)(tap__reader *in, tap__stored *x))
{
    tap__reader in;
    tap__stored stored = { 0 };
    tap_tensor  x = { 0 };
    if (!tap__reader_open(&in, a, path, format)) return x;
    const uint64_t size = in.left;
    void          *file = locate(&in, &stored) ? tap__map_file(&in, size) : NULL;
    if (file) x = tap__stored_view(&in, &stored, file);
    tap__reader_close(&in);
    return x;
}

tap_tensor tap_npy_map(tap_arena *a, const char *path)
{
    return map_one(a, path, "npy", tap__npy_locate);
}

tap_tensor tap_idx_map(tap_arena *a, const char *path)
{
    return map_one(a, path, "idx", tap__idx_locate);
}

tap_safetensors tap_safetensors_map(tap_arena *a, const char *path)
{
    tap__reader     in;
    tap_safetensors all = { 0 };
    if (!tap__reader_open(&in, a, path, "safetensors")) return all;
    const uint64_t    size = in.left;
    tap__stored      *stored = tap__safetensors_locate(&in, &all, &all.n);
    void             *file = stored ? tap__map_file(&in, size) : NULL;
    tap_named_tensor *tensors = file ? tap__arena_acquire(a, (size_t)all.n * sizeof *tensors) : NULL;
    for (int i = 0; i < all.n && tensors; i++)
        tensors[i] = (tap_named_tensor){ stored[i].name, tap__stored_view(&in, &stored[i], file) };
    if (stored) tap__arena_release(a, stored);
    tap__reader_close(&in);
    all.tensors = tensors;
    return tap_arena_status(a, NULL) == TAP_OK ? all : (tap_safetensors){ 0 };
}

/* tensor/internal.h: what the library's own files share about tensors. Not installed; names begin with tap__. */
#ifndef TAP_TENSOR_INTERNAL_H
#define TAP_TENSOR_INTERNAL_H

#include <stdarg.h>

#include "tensor/tensor.h"

/* tap_error_set with "where: " in front, unless that is NULL or empty. */
tap_status tap__error_set_in(tap_error *e, tap_status status, const char *where, const char *format, va_list args);

/* Tells stderr of an error that an owner takes with it unread, unless the program does not want it. */
void tap__report_unread(const char *owner, const tap_error *e);

/* tap_tensor_copy and tap_tensor_fill for memory that nobody can have borrowed: the write is not noted. */
tap_status tap__tensor_copy(tap_tensor dst, tap_tensor src, tap_error *e);
void       tap__tensor_fill(tap_tensor x, double value);

/* An arena for the library's own work: its error goes elsewhere, and is not reported. */
tap_arena *tap__arena_new_internal(void);

/* Records the error in the arena and returns an inert tensor. */
tap_tensor tap__tensor_fail(tap_arena *a, tap_status status, const char *format, ...) TAP_PRINTF(3, 4);

/* Whether a function of the arena can go on with x. If not, *out is inert, and a bad x has failed the arena in the call's
 * name. */
bool tap__check_input(tap_arena *a, tap_tensor x, tap_tensor *out, const char *call);

/* Makes a negative axis positive; false if it is out of range for the rank. */
bool tap__axis(int *axis, int rank);

/* The view functions of tensor.h, reporting to an error instead of an arena. On an error *out is inert. */
tap_status tap__permute(tap_tensor x, int rank, const int *axes, tap_tensor *out, tap_error *e);
/* Fills in the permutation too. */
tap_status tap__transpose(tap_tensor x, int axis0, int axis1, int *axes, tap_tensor *out, tap_error *e);
tap_status tap__slice(tap_tensor x, int axis, int64_t start, int64_t stop, int64_t step, tap_tensor *out, tap_error *e);
int64_t    tap__slice_start(int64_t n, int64_t start, int64_t step); /* where a slice of an axis of size n begins */
tap_status tap__select(tap_tensor x, int axis, int64_t index, tap_tensor *out, tap_error *e);
tap_status tap__expand(tap_tensor x, tap_shape shape, tap_tensor *out, tap_error *e);
tap_status tap__unsqueeze(tap_tensor x, int axis, tap_tensor *out, tap_error *e);
tap_status tap__squeeze(tap_tensor x, int axis, tap_tensor *out, tap_error *e);
tap_status tap__diagonal(tap_tensor x, int64_t offset, int axis1, int axis2, tap_tensor *out, tap_error *e); /* as last axis */
tap_status tap__unfold(tap_tensor x, int axis, int64_t size, int64_t step, tap_tensor *out,
                       tap_error *e); /* windows as last axis */
/* Fills in a -1 of the wanted shape; an error if the sizes do not multiply up. */
tap_status tap__reshape_shape(tap_shape from, tap_shape *shape, tap_error *e);
/* A view of x under another shape of the same size, or false if its strides do not allow one. */
bool tap__reshape_view(tap_tensor x, tap_shape shape, tap_tensor *out);

/* The shape that both broadcast to; false if there is none. */
bool tap__broadcast(tap_shape a, tap_shape b, tap_shape *out);

/* Which axes of the rank are reduced (a bit each), and the result's shape; an error for a bad or doubled axis. */
tap_status tap__reduced(tap_shape x, tap_axes axes, unsigned *mask, tap_shape *out, tap_error *e);

/* tap_numel, for those who call it for every operator. */
static inline int64_t tap__numel(const tap_shape *shape)
{
    if (shape->rank < 0 || shape->rank > TAP_MAX_RANK) return -1;
    int64_t n = 1;
    bool    empty = false;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->n[i] < 0) return -1;
        if (shape->n[i] == 0) empty = true;
        else if (__builtin_mul_overflow(n, shape->n[i], &n)) return -1;
    }
    /* The widest dtype must be addressable, also where another axis is empty: strides are products of sizes too. */
    if (n > INT64_MAX / 8) return -1;
    return empty ? 0 : n;
}

/* C-order strides of a shape. */
void tap__set_contiguous(tap_tensor *x);

/* Uninitialized memory from an arena, with one use; each further use is counted, and when the last one has given it back,
 * later requests may have it. */
void *tap__arena_acquire(tap_arena *a, size_t bytes);
/* What the arena's memory is for, which begins the message when there is none; "arena" at first. Returns what it was. */
const char *tap__arena_name(tap_arena *a, const char *name);
void        tap__arena_retain(void *p);
void        tap__arena_release(tap_arena *a, void *p);
size_t      tap__arena_bytes(const tap_arena *a);
void        tap__arena_one_chunk_per_block(
           bool on); /* for tests: a chunk for each block, so that the heap knows of each and can refuse it */

/* Whether n numbers of a float dtype, one after the other, are finite. */
bool tap__all_finite(int64_t n, tap_dtype dtype, const void *data);

/* Eigenvalues of the symmetric a [n,n], which is used up; in q (may be NULL) the eigenvectors as rows. n^3 steps, some times over. */
void tap__symmetric_eigen(int n, double *a, double *values, double *q);

/* Carries a first error over from one owner to another. */
tap_status tap__error_copy(tap_error *to, const tap_error *from);

/* On commit, what was at the file's path stays under this one. It goes back if the new file cannot take its place. */
tap_status tap__file_keep(tap_file *f, const char *path);
/* Whether the open file is the one at the path, still; unknown: the answer if the file system gives none. */
bool tap__is_file_at(int fd, const char *path, bool unknown);
/* open, and again when a signal came in between; mode is for O_CREAT. */
int tap__open(const char *path, int flags, unsigned mode);
/* What a call that failed for this errno is for the library: TAP_ENOMEM or TAP_EIO. */
tap_status tap__status_of(int reason);

/* A lock that one holder at a time can have, on every process of the machine: a file of that path, which is removed with it, and
 * which does nothing any more when its holder is killed. NULL, and an error that names the holder, if it is taken. where: what is
 * locked, for messages. Where the file system has no locks, everybody gets it. */
typedef struct tap__lock tap__lock;
tap__lock               *tap__lock_acquire(const char *path, const char *where, tap_error *e);
void                     tap__lock_release(tap__lock *l); /* NULL is allowed */

/* Calls body for all of 0..n-1, cut into ranges for threads to share when the whole is worth it; steps: its cost in
 * nanoseconds, roughly. What body does for an index must not depend on the range it comes in. All of the library's threads
 * start here. */
typedef void (*tap__range)(const void *context, int64_t first, int64_t last);
void tap__parallel(int64_t n, int64_t steps, tap__range body, const void *context);
/* A cost as steps, also one that no number holds: broadcast operands may be far larger than memory. */
static inline int64_t tap__cost_ns(double cost)
{
    return cost < 1e18 ? (int64_t)cost : (int64_t)1e18;
}
void tap__parallel_threshold_for_tests(
    int64_t steps); /* for tests: from so many steps on it is worth it, which hides nothing if it is 0 */

/* The vector width chosen for this processor, once: generic, avx2 (with FMA) or avx512. TAP_ISA in the environment may
 * lower it. */
typedef enum { TAP__GENERIC, TAP__AVX2, TAP__AVX512, TAP__ISAS } tap__isa_level;
tap__isa_level tap__isa(void);

/* Files named *_kernels.c are compiled once for each width; TAP__KERNEL(f) is f's name in this compilation. */
#ifndef TAP__ISA_NAME
#define TAP__ISA_NAME generic
#endif
#define TAP__PASTE2(a, b) a##_##b
#define TAP__PASTE(a, b)  TAP__PASTE2(a, b)
#define TAP__KERNEL(name) TAP__PASTE(name, TAP__ISA_NAME)
/* Declares the versions of a kernel table or function, and picks the one for this processor. */
#if defined(__x86_64__)
#define TAP__KERNEL_PICK(name) \
    (tap__isa() == TAP__AVX512 ? name##_avx512 : tap__isa() == TAP__AVX2 ? name##_avx2 : name##_generic)
#define TAP__KERNEL_DECLARE(type, name, args) \
    type name##_generic args; \
    type name##_avx2 args; \
    type name##_avx512 args
#else
#define TAP__KERNEL_PICK(name)                (name##_generic)
#define TAP__KERNEL_DECLARE(type, name, args) type name##_generic args
#endif

#endif

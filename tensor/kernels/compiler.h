/* tensor/kernels/compiler.h: everything that kernels ask of a compiler beyond C11: control over inlining and unrolling, and the
 * vector types of GNU C, which GCC (12 or later) and Clang have. There is no second version for other compilers. */
#ifndef TAP_TENSOR_KERNELS_COMPILER_H
#define TAP_TENSOR_KERNELS_COMPILER_H

#if !defined(__GNUC__) || !defined(__has_builtin)
#error "Tapestry's kernels need GCC 12 or later, or Clang: they are written with the vector extensions of GNU C"
#elif !__has_builtin(__builtin_shufflevector)
#error "Tapestry's kernels need __builtin_shufflevector: GCC 12 or later, or Clang"
#endif

/* A function that is inlined even where the compiler finds it long: a call would keep its caller's loop from vectorizing, and
 * arguments that are constants would no longer be constants. */
#define TAP__INLINE static inline __attribute__((always_inline, unused))

/* A function that is compiled once, by itself, so that registers are allocated for its loops alone. */
#define TAP__NOINLINE __attribute__((noinline))

/* For a typedef of T: a vector of the given size in bytes, aligned to its size; and one that may begin at any element of an
 * array. */
#define TAP__VECTOR(bytes)              __attribute__((vector_size(bytes)))
#define TAP__UNALIGNED_VECTOR(T, bytes) __attribute__((vector_size(bytes), aligned(sizeof(T)), may_alias))

/* Unrolls the loop that follows, of at most 32 iterations: a loop that contains another one does not vectorize. */
#if defined(__clang__)
#define TAP__UNROLL _Pragma("clang loop unroll(full)")
#else
#define TAP__UNROLL _Pragma("GCC unroll 32")
#endif

#endif

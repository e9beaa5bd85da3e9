/* tensor/kernels/blis.c: everything that calls BLIS: the choice of its kernels, the check of memory, and the product itself.
 *
 * BLIS multiplies large matrices in factorizations and solves, and in tap__matmul_by_blis. It has no error returns: what it
 * cannot do ends the process. A library must not end its caller's process, so everything that BLIS would abort on is checked
 * before it is called. Two of these checks need an explanation.
 *
 * The environment (choose_kernels). BLIS recognizes AMD processors by model number, and on models newer than itself it runs
 * portable C, five times slower, though its AVX2 or AVX-512 kernels run there. The only way to choose kernels at run time is
 * the environment variable BLIS_ARCH_TYPE, which BLIS reads once, when it is initialized. So the library sets the variable,
 * initializes BLIS, and puts the environment back as it was:
 * - It is set only where BLIS's own choice may be wrong: not for Intel, whose processors BLIS recognizes by their features, and
 *   not for the AMD models that it knows.
 * - A user's own BLIS_ARCH_TYPE has precedence, if this BLIS was built with these kernels and the processor can run them.
 *   Otherwise BLIS would abort, or an illegal instruction would end the program; then the library's choice replaces it.
 * - It is put back, as child processes inherit the environment, and other copies of BLIS in the program (numpy's) may read it.
 * - All of this happens in a constructor, before main, as setenv is not safe while other threads call getenv, and before main
 *   there are none. The exception is a program that loads the library by dlopen: it should do so before it starts threads.
 *
 * The memory (tap__blis_has_memory). BLIS allocates packing buffers when a thread first multiplies, keeps them in pools, and
 * aborts if malloc fails. Its allocator cannot be replaced at run time. So, before the first product for a number of threads,
 * the library asks the heap for as many bytes as the buffers take, by malloc, and gives them back. This is a check, not a
 * reservation: another thread may take the memory in between, and then BLIS does abort. The probe turns the common case, a
 * process that is nearly out of memory, into TAP_ENOMEM; once BLIS has its buffers, nothing can go wrong any more. */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <omp.h>
#include <blis.h>

#include "tensor/kernels/blis.h"

/* The kernels for this processor, as BLIS_ARCH_TYPE numbers them; -1 leaves the choice to BLIS. */
static int kernels_for_this_processor(void)
{
#if defined(__x86_64__) && defined(BLIS_CONFIG_SKX) && defined(BLIS_CONFIG_ZEN3) && defined(BLIS_CONFIG_HASWELL)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    if (__builtin_cpu_is("intel") || __builtin_cpu_is("znver1") || __builtin_cpu_is("znver2")) return -1;
    if (avx512) return (int)BLIS_ARCH_SKX;
    if (avx2) return (int)(__builtin_cpu_is("amd") ? BLIS_ARCH_ZEN3 : BLIS_ARCH_HASWELL);
#endif
    return -1;
}

/* Whether the value of BLIS_ARCH_TYPE names kernels that this BLIS has and this processor can run. */
static bool choice_is_valid(const char *text)
{
    static const int built[] = {
#ifdef BLIS_CONFIG_SKX
        BLIS_ARCH_SKX,
#endif
#ifdef BLIS_CONFIG_HASWELL
        BLIS_ARCH_HASWELL,
#endif
#ifdef BLIS_CONFIG_SANDYBRIDGE
        BLIS_ARCH_SANDYBRIDGE,
#endif
#ifdef BLIS_CONFIG_PENRYN
        BLIS_ARCH_PENRYN,
#endif
#ifdef BLIS_CONFIG_ZEN3
        BLIS_ARCH_ZEN3,
#endif
#ifdef BLIS_CONFIG_ZEN2
        BLIS_ARCH_ZEN2,
#endif
#ifdef BLIS_CONFIG_ZEN
        BLIS_ARCH_ZEN,
#endif
#ifdef BLIS_CONFIG_CORTEXA57
        BLIS_ARCH_CORTEXA57,
#endif
#ifdef BLIS_CONFIG_GENERIC
        BLIS_ARCH_GENERIC,
#endif
        -1, /* so that the list is never empty */
    };
    char *end;
    long  id = strtol(text, &end, 10);
    if (end == text || *end || id < 0) return false;
#if defined(__x86_64__)
    if (id == BLIS_ARCH_SKX && !__builtin_cpu_supports("avx512f")) return false;
    if (id != BLIS_ARCH_GENERIC && id != BLIS_ARCH_PENRYN && !__builtin_cpu_supports("avx2")) return false;
#endif
    for (size_t i = 0; i < sizeof built / sizeof *built; i++) {
        if (built[i] == id) return true;
    }
    return false;
}

/* Initializes BLIS with the kernels for this processor. The environment is as before when it returns. */
__attribute__((constructor)) static void choose_kernels(void)
{
    char        number[16];
    const char *asked = getenv("BLIS_ARCH_TYPE");
    char       *saved = asked ? strdup(asked) : NULL;
    bool        valid = asked && choice_is_valid(asked);
    int         id = kernels_for_this_processor();
    snprintf(number, sizeof number, "%d", id);
    if (!valid && id >= 0) setenv("BLIS_ARCH_TYPE", number, 1);
    else if (!valid) unsetenv("BLIS_ARCH_TYPE");
    bli_init();
    (void)bli_arch_query_id();
    if (saved) setenv("BLIS_ARCH_TYPE", saved, 1);
    else if (!asked) unsetenv("BLIS_ARCH_TYPE");
    free(saved);
}

/* Whether the heap has this number of bytes at the moment. They are freed again. */
static bool heap_has(size_t bytes)
{
    void *volatile p = malloc(bytes); /* volatile: compilers may otherwise remove both calls and assume success */
    const bool has = p != NULL;
    free(p);
    return has;
}

/* The bytes of the packing buffers that BLIS keeps for a thread: a block of the left matrix (MC x KC) and a panel of the right
 * one (KC x NC), for the largest of its types, with a margin of 1/16. */
static size_t bytes_per_thread(void)
{
    static const num_t types[] = { BLIS_FLOAT, BLIS_DOUBLE, BLIS_SCOMPLEX, BLIS_DCOMPLEX };
    size_t             block = 0, panel = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t rows = (size_t)bli_cntx_get_blksz_max_dt(types[i], BLIS_MC, bli_gks_query_cntx());
        size_t terms = (size_t)bli_cntx_get_blksz_max_dt(types[i], BLIS_KC, bli_gks_query_cntx()) * bli_dt_size(types[i]);
        size_t columns = (size_t)bli_cntx_get_blksz_max_dt(types[i], BLIS_NC, bli_gks_query_cntx());
        if (rows * terms > block) block = rows * terms;
        if (columns * terms > panel) panel = columns * terms;
    }
    return block + panel + (block + panel) / 16;
}

/* The heap is asked once per number of threads, the largest so far: BLIS keeps its buffers. */
bool tap__blis_has_memory(tap_arena *a)
{
    static atomic_int checked; /* the number of threads that there was memory for */
    const int         threads = tap_threads();
    if (atomic_load(&checked) >= threads) return true;
    const size_t bytes = (size_t)threads * bytes_per_thread();
    if (!heap_has(bytes)) {
        tap_error_set(tap_arena_error(a), TAP_ENOMEM, "BLIS: no memory for %zu bytes", bytes);
        return false;
    }
    atomic_store(&checked, threads);
    return true;
}

const char *tap__blis_kernels(void)
{
    return bli_arch_string(bli_arch_query_id());
}

bool tap__blis_accepts(tap__matrix *x)
{
    if (x->rows <= 1 && x->columns <= 1) {
        x->row_stride = x->column_stride = 1;
    } else if (x->columns <= 1 && x->row_stride > 0) {
        x->column_stride = x->row_stride == 1 ? x->rows : 1;
    } else if (x->rows <= 1 && x->column_stride > 0) {
        x->row_stride = x->column_stride == 1 ? x->columns : 1;
    }
    const int64_t r = x->row_stride, c = x->column_stride;
    return r > 0 && c > 0 && (r / c >= x->columns || c / r >= x->rows);
}

void tap__gemm(tap_dtype dtype, double alpha, tap__matrix a, tap__matrix b, void *out, int64_t out_stride, bool add)
{
    /* BLIS's path for small products rounds differently from the one for large products: a product that threads share would
     * then depend on the number of its parts. */
    rntm_t run;
    bli_rntm_init_from_global(&run);
    bli_rntm_set_num_threads(1, &run);
    bli_rntm_disable_l3_sup(&run);
    if (dtype == TAP_F32) {
        float by = (float)alpha, beta = add ? 1 : 0;
        bli_sgemm_ex(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, a.rows, b.columns, a.columns, &by, (float *)(uintptr_t)a.data,
                     a.row_stride, a.column_stride, (float *)(uintptr_t)b.data, b.row_stride, b.column_stride, &beta, out,
                     out_stride, 1, NULL, &run);
    } else {
        double beta = add ? 1 : 0;
        bli_dgemm_ex(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, a.rows, b.columns, a.columns, &alpha, (double *)(uintptr_t)a.data,
                     a.row_stride, a.column_stride, (double *)(uintptr_t)b.data, b.row_stride, b.column_stride, &beta, out,
                     out_stride, 1, NULL, &run);
    }
}

/* BLIS: choosing its kernels, and calling it. Everything that it would abort on is settled before it is called. */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <omp.h>
#include <blis.h>

#include "tensor/kernels/blis.h"

/* BLIS recognizes AMD processors by model number and runs portable C, five times slower, on those it was not told of. Its
 * AVX-512 and AVX2 kernels run on them all the same. */
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

/* A number of the user's that names no kernels in this BLIS would make it abort, and AVX-512 elsewhere would be an illegal
 * instruction. */
static bool user_choice_is_sound(const char *text)
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
        -1, /* none */
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

/* BLIS reads the variable once, and the environment is then put back as it was. All of that is before main, since later there
 * may be threads, any of which may be reading the environment. */
__attribute__((constructor)) static void choose_kernels(void)
{
    char        number[16];
    const char *asked = getenv("BLIS_ARCH_TYPE");
    char       *before = asked ? strdup(asked) : NULL;
    bool        sound = asked && user_choice_is_sound(asked);
    int         id = kernels_for_this_processor();
    snprintf(number, sizeof number, "%d", id);
    if (!sound && id >= 0) setenv("BLIS_ARCH_TYPE", number, 1);
    else if (!sound) unsetenv("BLIS_ARCH_TYPE");
    bli_init();
    (void)bli_arch_query_id();
    if (before) setenv("BLIS_ARCH_TYPE", before, 1);
    else if (!asked) unsetenv("BLIS_ARCH_TYPE");
    free(before);
}

/* Whether the heap has so much. What was taken is given back; others may have it next, but they seldom do. */
static bool has_room(size_t bytes)
{
    void *volatile p = malloc(bytes); /* or compilers take success for granted */
    const bool has = p != NULL;
    free(p);
    return has;
}

/* What BLIS takes for a thread and keeps: a block of the left matrix and a panel of the right one, for the largest of its types. */
static size_t room_for_thread(void)
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

/* The threads' memory is looked for once; BLIS may still be taking it when they first meet. */
bool tap__blis_has_memory(tap_arena *a)
{
    static atomic_int served; /* so many threads */
    const int         threads = tap_threads();
    if (atomic_load(&served) >= threads) return true;
    const size_t bytes = (size_t)threads * room_for_thread();
    if (!has_room(bytes)) {
        tap_error_set(tap_arena_error(a), TAP_ENOMEM, "BLIS: no memory for %zu bytes", bytes);
        return false;
    }
    atomic_store(&served, threads);
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
    /* BLIS's path for small products rounds by their size, and so would the parts of a product by their number. */
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

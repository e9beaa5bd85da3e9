/* tensor/cpu.c: the processor's vector width, and tap_config, which describes what the library runs on. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/cpu.h"
#include "tensor/kernels/blis.h"

static tap__isa_level detect(void)
{
    tap__isa_level level = TAP__GENERIC;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) level = TAP__AVX2;
    if (level == TAP__AVX2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        level = TAP__AVX512;
#endif
    const char *requested = getenv("TAP_ISA");
    if (requested && !strcmp(requested, "generic")) return TAP__GENERIC;
    if (requested && !strcmp(requested, "avx2") && level > TAP__AVX2) return TAP__AVX2;
    return level;
}

tap__isa_level tap__isa(void)
{
    static atomic_int detected = -1; /* threads that race here detect the same level */
    int               level = atomic_load_explicit(&detected, memory_order_relaxed);
    if (level < 0) {
        level = (int)detect();
        atomic_store_explicit(&detected, level, memory_order_relaxed);
    }
    return (tap__isa_level)level;
}

/* TAP__VERSION comes from meson.build. */
const char *tap_config(void)
{
    static _Thread_local char text[128];
    static const char *const  name[TAP__ISAS] = { "portable", "avx2", "avx512" };
    snprintf(text, sizeof text, "tapestry %s, %s kernels, BLIS %s, %d thread%s", TAP__VERSION, name[tap__isa()],
             tap__blis_kernels(), tap_threads(), tap_threads() == 1 ? "" : "s");
    return text;
}

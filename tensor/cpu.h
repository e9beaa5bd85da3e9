/* tensor/cpu.h: the processor's vector width, and kernels that are compiled once for each. Not installed. */
#ifndef TAP_TENSOR_CPU_H
#define TAP_TENSOR_CPU_H

/* The widest vectors that this processor has and the environment's TAP_ISA allows: generic, avx2 (with FMA) or avx512.
 * Chosen at the first call. */
typedef enum { TAP__GENERIC, TAP__AVX2, TAP__AVX512, TAP__ISAS } tap__isa_level;
tap__isa_level tap__isa(void);

/* Files named *_kernels.c are compiled once for each width, with TAP__ISA_NAME its name. TAP__KERNEL(f) is f's name in this
 * compilation. */
#ifndef TAP__ISA_NAME
#define TAP__ISA_NAME generic
#endif
#define TAP__PASTE2(a, b) a##_##b
#define TAP__PASTE(a, b)  TAP__PASTE2(a, b)
#define TAP__KERNEL(name) TAP__PASTE(name, TAP__ISA_NAME)
/* TAP__KERNEL_DECLARE declares all versions of a kernel function or table, TAP__KERNEL_PICK is the one for this processor. */
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

/* examples/common/sizes.h: how small other programs make images. */
#ifndef EXAMPLES_SIZES_H
#define EXAMPLES_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many bytes come of n bytes; 0 if that cannot be said. */
size_t size_by_gzip(const uint8_t *from, size_t n);  /* gzip -9 */
size_t size_by_bzip2(const uint8_t *from, size_t n); /* bzip2 -9 */
size_t size_by_xz(const uint8_t *from, size_t n);    /* xz -9 */
/* A PNG of its own for each of n images of height x width bytes or, with depth 1, of 0 and 1. */
size_t size_by_png(const uint8_t *images, size_t n, int height, int width, int depth);

/* n pixels of 0 and 1, 8 in a byte, the first one highest; returns how many bytes. */
size_t pack_bits(uint8_t *to, const uint8_t *from, size_t n);

#endif

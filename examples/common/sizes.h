/* examples/common/sizes.h: sizes of images after compression by other programs. */
#ifndef EXAMPLES_SIZES_H
#define EXAMPLES_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The compressed size of n bytes; 0 if it cannot be determined. */
size_t size_by_gzip(const uint8_t *from, size_t n);  /* gzip -9 */
size_t size_by_bzip2(const uint8_t *from, size_t n); /* bzip2 -9 */
size_t size_by_xz(const uint8_t *from, size_t n);    /* xz -9 */
/* The total size of n separate PNG files of height x width pixels, which are bytes or, if depth is 1, values 0 and 1. */
size_t size_by_png(const uint8_t *images, size_t n, int height, int width, int depth);

/* Packs n pixels with values 0 and 1 into bytes, the most significant bit first; returns the number of bytes. */
size_t pack_bits(uint8_t *to, const uint8_t *from, size_t n);

#endif

/* examples/vae_compress/sizes.h: sizes of images after compression by other programs. */
#ifndef VAE_COMPRESS_SIZES_H
#define VAE_COMPRESS_SIZES_H

#include "examples/common/common.h"

/* Sizes in bytes after compression by gzip -9, bzip2 -9 and xz -9, and as separate PNG files; 0 if unknown. */
typedef struct {
    size_t gzip, bzip2, xz, png;
} sizes;

sizes sizes_of(tap_tensor images, bool binary); /* uint8 [n,28,28]; binary: measured as one bit per pixel, set if not 0 */

#endif

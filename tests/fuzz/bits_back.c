/* tests/fuzz/bits_back.c: images compressed by a VAE. */
#include <xxhash.h>

#include "models/models.h"
#include "tests/fuzz/fuzz.h"

enum { DATA = 6 };

/* A model for binary pixels and one for bytes; byte 44 of the input chooses. */
static const tap_vae *model(bool bytes)
{
    static tap_module *root;
    static tap_vae     vae[2];
    if (root) return &vae[bytes];
    root = tap_module_new(TAP_F32, 1);
    tap_vae_options o = { .data = DATA, .hidden = { 4 }, .latent = 2 };
    tap_vae_init(&vae[0], tap_module_child(root, "two"), o);
    o.likelihood = TAP_VAE_BETA_BINOMIAL;
    tap_vae_init(&vae[1], tap_module_child(root, "all"), o);
    return &vae[bytes];
}

void fuzz(const unsigned char *bytes, size_t n)
{
    const tap_vae *vae = model(n > 44 && bytes[44]);
    const char    *message;
    tap_arena     *a = tap_arena_new();
    void          *copy = malloc(n + 1);
    memcpy(copy, bytes, n);
    const tap_tensor x = tap_bits_back_decode(a, vae, tap_tensor_wrap(TAP_U8, TAP_SHAPE((int64_t)n), copy));
    if (tap_arena_status(a, &message)) {
        FUZZ_CHECK(!strncmp(message, "bits_back: ", 11) && !strchr(message, '\n'), "%s", message);
    } else {
        fuzz_touch(x);
        const tap_tensor again = tap_bits_back_encode(a, vae, x);
        FUZZ_CHECK(!tap_arena_status(a, &message), "%s", message);
        fuzz_check_same(again, tap_tensor_wrap(TAP_U8, TAP_SHAPE((int64_t)n), copy));
    }
    free(copy);
    tap_arena_free(a);
}

/* Corrects the checksum after 7 of 8 mutations. */
size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t capacity, unsigned seed)
{
    n = LLVMFuzzerMutate(bytes, n, capacity);
    const uint64_t sum = n > 16 ? XXH3_64bits(bytes + 16, n - 16) : 0;
    for (int i = 0; n > 16 && seed % 8 && i < 8; i++) bytes[8 + i] = (unsigned char)(sum >> 8 * i);
    return n;
}

/* ---- Seeds ------------------------------------------------------------------------------------------------------- */

static void put_images(fuzz_put *put, bool bytes, int64_t n)
{
    char       name[32];
    tap_arena *a = tap_arena_new();
    tap_tensor x = tap_tensor_zeros(a, TAP_U8, TAP_SHAPE(n, DATA));
    for (int64_t i = 0; i < n * DATA; i++) tap_tensor_set_item(x, i, bytes ? (double)(i * 37 % 256) : (double)(i % 3 == 0));
    tap_tensor packed = tap_bits_back_encode(a, model(bytes), x);
    snprintf(name, sizeof name, "%s_%lld", bytes ? "bytes" : "two", (long long)n);
    FUZZ_CHECK(!tap_arena_status(a, NULL), "no seed");
    put(name, packed.data, (size_t)tap_tensor_numel(packed));
    tap_arena_free(a);
}

void fuzz_seeds(fuzz_put *put)
{
    for (int bytes = 0; bytes < 2; bytes++) {
        put_images(put, bytes, 0);
        put_images(put, bytes, 1);
        put_images(put, bytes, 70);
    }
    FUZZ_PUT(put, "short", "TAPZ\1\0\0\0");
    FUZZ_PUT(put, "version", "TAPZ\2\0\0\0........................................");
}

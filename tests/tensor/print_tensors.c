/* tests/tensor/print_tensors.c: prints what the library reads from files, for check_files.py to compare: names, values and elements
 * as hexadecimal bytes.
 *
 *     print_tensors FILE... */
#include <stdio.h>
#include <string.h>

#include "tensor/io/torch.h"

static void print_hex(const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) printf("%02x", ((const unsigned char *)bytes)[i]);
}

static void print_tensor(tap_arena *a, const char *name, tap_tensor x)
{
    char             text[TAP_SHAPE_TEXT];
    const tap_tensor c = tap_tensor_contiguous(a, x);
    printf("tensor ");
    print_hex(name, strlen(name));
    printf(" %s %s ", tap_dtype_name(x.dtype), tap_shape_format(text, x.shape));
    print_hex(c.data, (size_t)tap_tensor_numel(c) * tap_dtype_size(c.dtype));
    printf("\n");
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char     *message, *path = argv[i];
        tap_arena      *a = tap_arena_new();
        tap_safetensors s = { 0 };
        tap_tensor      one = { 0 };
        if (ends_with(path, ".png")) one = tap_png_read(a, path);
        else if (ends_with(path, ".npy")) one = tap_npy_read(a, path);
        else s = ends_with(path, ".npz") ? tap_npz_read(a, path) : tap__state_dict_read(a, path);
        const tap_status status = tap_arena_status(a, &message);
        printf("file %s\n", path);
        if (status != TAP_OK) printf("error %s\n", message);
        if (one.data) print_tensor(a, "", one);
        for (int k = 0; k < s.n; k++) print_tensor(a, s.tensors[k].name, s.tensors[k].tensor);
        for (int k = 0; k < s.n_metadata; k++) {
            printf("value ");
            print_hex(s.metadata[k].key, strlen(s.metadata[k].key));
            printf(" ");
            print_hex(s.metadata[k].value, strlen(s.metadata[k].value));
            printf("\n");
        }
        tap_arena_free(a);
    }
    return 0;
}

/* nn/data/folder.c: folders of PNG files as a data set of images and classes, as torchvision's ImageFolder. */
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nn/nn.h"
#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/io/file.h"

typedef struct {
    const char *path;
    int64_t class;
} image;

struct tap_image_folder {
    tap_arena   *memory; /* of paths; holds the error */
    int          channels;
    int64_t      n_images, n_classes, capacity;
    image       *images;
    const char **classes;
    tap_shape    shape; /* of an image, [channels,height,width] */
};

/* Returned when there is no memory for one, with its error; and the error of NULL. */
static tap_image_folder no_folder;
static const tap_error  no_memory = { TAP_ENOMEM, "image_folder: no memory" }, null = { TAP_EARG, "image_folder: NULL" };

/* ---- Finding the files ---- */

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static int is_png(const struct dirent *d)
{
    const size_t n = strlen(d->d_name);
    return is_visible(d) && n > 4 && tap__equal_ignoring_case(d->d_name + n - 4, ".png", 4);
}

/* "folder/name", in the arena; NULL if there is no memory. */
static const char *join(tap_arena *a, const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char        *path = tap_arena_alloc(a, size);
    if (path) snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/* Names in the folder, in the order of their bytes; -1 on an error. */
static int list(tap_image_folder *f, const char *path, int (*filter)(const struct dirent *d), struct dirent ***names)
{
    const int n = scandir(path, names, filter, by_bytes);
    if (n < 0)
        tap_error_set(tap_arena_error(f->memory), tap__errno_status(errno), "%s: cannot read: %s", path, tap__strerror(errno));
    return n;
}

static void free_names(int n, struct dirent **names)
{
    for (int i = 0; i < n; i++) free(names[i]);
    if (n >= 0) free(names);
}

static bool add_image(tap_image_folder *f, const char *folder, const char *name)
{
    if (f->n_images == f->capacity) {
        f->capacity = f->capacity ? 2 * f->capacity : 64;
        image *grown = tap__arena_acquire(f->memory, (size_t)f->capacity * sizeof *grown);
        if (!grown) return false;
        if (f->images) {
            memcpy(grown, f->images, (size_t)f->n_images * sizeof *grown);
            tap__arena_release(f->memory, f->images);
        }
        f->images = grown;
    }
    f->images[f->n_images] = (image){ join(f->memory, folder, name), f->n_classes };
    return f->images[f->n_images++].path != NULL;
}

/* Adds the images of a class. False on an error. */
static bool add_class(tap_image_folder *f, const char *path)
{
    struct dirent **names;
    const int       n = list(f, path, is_png, &names);
    bool            ok = n > 0;
    for (int i = 0; i < n && ok; i++) ok = add_image(f, path, names[i]->d_name);
    free_names(n, names);
    if (n == 0) tap_error_set(tap_arena_error(f->memory), TAP_EIO, "%s: holds no .png files", path);
    f->classes[f->n_classes++] = strrchr(path, '/') + 1;
    return ok;
}

static void find_images(tap_image_folder *f, const char *path)
{
    struct dirent **names;
    struct stat     s;
    const int       n = list(f, path, is_visible, &names);
    bool            ok = n >= 0;
    if (ok) f->classes = tap_arena_alloc(f->memory, (size_t)n * sizeof *f->classes);
    for (int i = 0; i < n && ok && f->classes; i++) {
        const char *class = join(f->memory, path, names[i]->d_name);
        if (!class) ok = false;
        else if (stat(class, &s) == 0 && S_ISDIR(s.st_mode)) ok = add_class(f, class);
    }
    free_names(n, names);
    if (ok && f->n_classes == 0)
        tap_error_set(tap_arena_error(f->memory), TAP_EIO, "%s: holds no folders, one for each class", path);
}

/* ---- Reading an image ---- */

/* As Pillow converts colours to grey: ITU-R 601-2 luma, rounded. */
static uint8_t grey_of(const uint8_t *rgb)
{
    return (uint8_t)((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
}

/* Channel c of `wanted` of a pixel with `channels`: grey, grey and alpha, RGB, RGBA. Without an alpha channel, alpha is 255. */
static uint8_t channel(const uint8_t *pixel, int channels, int c, int wanted)
{
    const bool is_alpha = wanted % 2 == 0 && c == wanted - 1;
    if (is_alpha) return channels % 2 == 0 ? pixel[channels - 1] : 255;
    if (channels <= 2) return pixel[0];
    return wanted <= 2 ? grey_of(pixel) : pixel[c];
}

/* Copies [height,width,channels] to planes [wanted,height,width]. */
static void copy_planes(tap_tensor to, tap_tensor from)
{
    const int     channels = (int)from.shape.n[2], wanted = (int)to.shape.n[0];
    const int64_t plane = from.shape.n[0] * from.shape.n[1];
    for (int64_t i = 0; i < plane; i++) {
        for (int c = 0; c < wanted; c++)
            ((uint8_t *)to.data)[c * plane + i] = channel((const uint8_t *)from.data + i * channels, channels, c, wanted);
    }
}

static tap_status read_image(const tap_image_folder *f, const image *i, tap_tensor to, tap_error *e)
{
    tap_arena       *a = tap__arena_new_internal();
    const tap_tensor x = tap_png_read(a, i->path);
    if (!x.data) tap__error_copy(e, tap_arena_error(a));
    else if (x.shape.n[0] != f->shape.n[1] || x.shape.n[1] != f->shape.n[2])
        tap_error_set(e, TAP_ESHAPE, "%s: has %lld x %lld pixels, and %s has %lld x %lld", i->path, (long long)x.shape.n[1],
                      (long long)x.shape.n[0], f->images[0].path, (long long)f->shape.n[2], (long long)f->shape.n[1]);
    else copy_planes(to, x);
    tap_arena_free(a);
    return e->status;
}

static tap_status read_row(void *context, int64_t row, const tap_tensor *out, tap_error *e)
{
    const tap_image_folder *f = context;
    *(int64_t *)out[1].data = f->images[row].class;
    return read_image(f, &f->images[row], out[0], e);
}

/* ---- The data set ---- */

/* The size of all images is that of the first. */
static void set_shape(tap_image_folder *f)
{
    tap_arena       *a = tap__arena_new_internal();
    const tap_tensor x = tap_png_read(a, f->images[0].path);
    f->shape = TAP_SHAPE(f->channels, x.shape.n[0], x.shape.n[1]);
    tap__error_copy(tap_arena_error(f->memory), tap_arena_error(a));
    tap_arena_free(a);
}

tap_image_folder *tap_image_folder_new(const char *path, int channels)
{
    tap_arena        *memory;
    tap_image_folder *f = tap__arena_object(sizeof *f, "image_folder", "folder of images", &no_memory, &memory);
    if (!f) return &no_folder;
    f->memory = memory;
    f->channels = channels ? channels : 3;
    if (!path) tap_error_set(tap_arena_error(memory), TAP_EARG, "image_folder: the path is NULL");
    else if (f->channels < 1 || f->channels > 4)
        tap_error_set(tap_arena_error(memory), TAP_EARG, "image_folder: channels must be within 1..4, not %d", channels);
    else find_images(f, path);
    if (f->images && tap_arena_status(memory, NULL) == TAP_OK) set_shape(f);
    return f;
}

void tap_image_folder_free(tap_image_folder *f)
{
    if (!f || f == &no_folder) return;
    tap_arena_free(f->memory);
}

tap_status tap_image_folder_status(const tap_image_folder *f, const char **message)
{
    return tap__object_status(f ? f->memory : NULL, f ? &no_memory : &null, message);
}

const char *tap_image_folder_class(const tap_image_folder *f, int64_t class_number)
{
    return f && class_number >= 0 && class_number < f->n_classes ? f->classes[class_number] : NULL;
}

tap_dataset tap_image_folder_dataset(tap_image_folder *f)
{
    const char *reported;
    if (!f || f == &no_folder) return (tap_dataset){ .error = f ? &no_memory : &null };
    tap_image_folder_status(f, &reported); /* the error, by the loader */
    return (tap_dataset){ .rows = f->n_images,
                          .n = 2,
                          .dtype = { TAP_U8, TAP_I64 },
                          .shape = { f->shape, TAP_SCALAR },
                          .read = read_row,
                          .context = f,
                          .error = tap_arena_error(f->memory) };
}

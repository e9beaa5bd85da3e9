/* nn/data.h: data sets, transforms, and loaders of their batches. */
#ifndef TAP_NN_DATA_H
#define TAP_NN_DATA_H

#include "autograd/autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Rows and transforms (data/transform.c) ------------------------------------------------------------------------- */

/* A row of a data set is one tensor or several, its fields: an image and its label. */
enum { TAP_MAX_FIELDS = 8, TAP_MAX_TRANSFORMS = 8, TAP_MAX_CHANNELS = 16 };

/* A data set given as a function. read writes row 0 <= row < rows to out[0..n-1], contiguous tensors of these dtypes and
 * shapes, and returns TAP_OK, or sets *e and returns its status, which fails the loader. It is called for one row at a time,
 * with prefetch by another thread than the program's, and must give the same row each time. */
typedef struct {
    int64_t   rows;
    int       n; /* fields */
    tap_dtype dtype[TAP_MAX_FIELDS];
    tap_shape shape[TAP_MAX_FIELDS]; /* of a field of one row: [3,32,32] for an image, TAP_SCALAR for a label */
    tap_status (*read)(void *context, int64_t row, const tap_tensor *out, tap_error *e);
    void            *context;
    const tap_error *error; /* if there is one, a loader of this data set fails with it; may be NULL */
} tap_dataset;

/* How a field comes into a batch. {0}: as it is, in its dtype and shape. */
typedef struct {
    enum {
        TAP_FIELD_AS_IS,
        TAP_FIELD_FLOAT,  /* in the loader's dtype, times scale */
        TAP_FIELD_INDEX,  /* integers as int64, as losses of classes take them */
        TAP_FIELD_ONE_HOT /* integers 0..classes-1 as rows of zeros and a one, in the loader's dtype: an axis is added */
    } as;
    bool    flatten; /* a row becomes [elements] */
    double  scale;   /* of TAP_FIELD_FLOAT [1/255 for uint8 data, else 1] */
    int64_t classes; /* of TAP_FIELD_ONE_HOT */
} tap_field_options;

/* Changes a row, or a batch, in place: x[0..n-1] are its fields, contiguous, after tap_field_options. rng is a sequence of
 * random numbers that depends on (seed, epoch, row) alone; for rows drawn with replacement, on (seed, epoch, draw); for a
 * batch, on (seed, epoch, the place of its first row in the epoch). So a row is the same in batches of any size, with prefetch
 * or without. Returns TAP_OK, or sets *e and returns its status, which fails the loader. self: its own options. */
typedef struct tap_transform tap_transform;
typedef tap_status (*tap_transform_fn)(const tap_transform *self, int n, const tap_tensor *x, tap_rng *rng, tap_error *e);
struct tap_transform {
    tap_transform_fn row, batch; /* one of them, or both; rows come first */
    void            *context;    /* the caller's */
    /* Options of the transforms below. field: which one they change, unless they say otherwise [0]. */
    int     field;
    int64_t size;
    double  number[2 * TAP_MAX_CHANNELS];
};

/* A random window of the image [...,height,width] padded with `padding` zeros on all sides, of the image's size; any dtype. As
 * torchvision's RandomCrop. */
TAP_API tap_transform tap_transform_random_crop(int64_t padding);
/* Reverses the last axis with probability p; any dtype. As torchvision's RandomHorizontalFlip, whose p is 0.5. */
TAP_API tap_transform tap_transform_horizontal_flip(double p);
/* (x - mean[c]) / std[c] for channel c of the image [channels,...], or of any shape for one channel; floats; std > 0. */
TAP_API tap_transform tap_transform_normalize(int channels, const double *mean, const double *std);
/* Of a batch of k rows: row i becomes lambda row i + (1 - lambda) row k-1-i in all fields, with one lambda ~ Beta(alpha, alpha)
 * for the batch. All fields must be floats, so labels are TAP_FIELD_ONE_HOT: Zhang et al. 2018. */
TAP_API tap_transform tap_transform_mixup(double alpha);

/* ---- Loaders (data/loader.c) ---------------------------------------------------------------------------------------- */

typedef struct tap_loader tap_loader;

/* {0} gives the defaults in brackets. */
typedef struct {
    int64_t   batch;     /* rows of a batch [128] */
    bool      shuffle;   /* the order is a function of (seed, epoch) */
    bool      drop_last; /* leave out the last batch if it is smaller */
    uint64_t  seed;
    tap_dtype dtype; /* of fields that become floats: float32 or float64 [float32] */
    double    scale; /* of tap_loader_new: batches are data * scale [1/255 for uint8 data, else 1] */
    /* Shuffles by tap_random_permuted, another order, which takes no memory; otherwise the order takes 8 bytes a row. Data sets
     * given as functions are always shuffled so. */
    bool keyed;
    /* Rows are drawn with probabilities in proportion to weights [rows], which are at least 0; `draws` of them are an epoch
     * [rows]. Instead of shuffle. As PyTorch's WeightedRandomSampler. Takes 8 bytes a row, without replacement 24. */
    tap_tensor weights;
    int64_t    draws;
    bool       without_replacement;
    /* Batches that a thread prepares while the program uses the one before, 0 to 16. Results are the same with any number; data
     * sets and transforms are called by that thread, and for batches that may not be asked for. [0: no thread] */
    int           prefetch;
    tap_transform transform[TAP_MAX_TRANSFORMS]; /* applied in this order, up to the first without functions */
} tap_loader_options;

/* Batches of data's rows (axis 0), flattened to [batch, elements of a row] and converted to o.dtype, times o.scale. Borrows
 * data. Errors, also those of later calls, are reported by tap_loader_status; the loader then gives no more batches. */
TAP_API tap_loader *tap_loader_new(tap_tensor data, tap_loader_options o);
/* Batches of the rows of n arrays at once, such as images [rows,3,32,32] and labels [rows]: field i is arrays[i] as fields[i]
 * says, as it is if fields is NULL. Borrows the arrays' data. */
TAP_API tap_loader *tap_loader_new_arrays(int n, const tap_tensor *arrays, const tap_field_options *fields,
                                          tap_loader_options o);
/* Batches of the rows of a data set given as a function. Borrows its context. */
TAP_API tap_loader *tap_loader_new_dataset(tap_dataset data, const tap_field_options *fields, tap_loader_options o);
TAP_API void        tap_loader_free(tap_loader *l);
TAP_API tap_status  tap_loader_status(const tap_loader *l, const char **message);
TAP_API void tap_loader_start(tap_loader *l, uint64_t epoch); /* begins an epoch; a new loader is at the beginning of epoch 0 */
TAP_API uint64_t tap_loader_epoch(const tap_loader *l);       /* the current epoch */
/* The next batch; false at the end of the epoch, or on an error. Its fields go to x[0], x[1], ..., each [rows, ...]; they live
 * until the next call or, if a tape has borrowed one of them, until that tape is reset. */
TAP_API bool tap_loader_next(tap_loader *l, tap_tensor *x);
/* tap_loader_next without an end: after the last batch of an epoch comes the first one of the next. False only on an error; it
 * is one if an epoch has no batches. */
TAP_API bool           tap_loader_cycle(tap_loader *l, tap_tensor *x);
TAP_API int64_t        tap_loader_batches(const tap_loader *l); /* per epoch */
TAP_API const int64_t *tap_loader_rows(const tap_loader *l,
                                       int64_t          *n); /* indices of the last batch's rows, until the next call */

/* ---- Files of rows (data/shards.c) ---------------------------------------------------------------------------------- */

/* Files of rows as one data set, which may be larger than memory: .npy, IDX and safetensors files, plain, of any dtype that
 * tap_npy_read and its kin read. Rows are read from the files when they are asked for, which takes the memory of a batch; or
 * the files are mapped, as by tap_npy_map. The files must not change meanwhile.
 *
 *     tap_shards *s = tap_shards_new(TAP_SHARDS_STREAM);
 *     tap_shards_add(s, 2, (const char *[]){ "images0.npy", "images1.npy" }, NULL); // field 0
 *     tap_shards_add(s, 1, (const char *[]){ "labels.npy" }, NULL);                 // field 1
 *     tap_loader *l = tap_loader_new_dataset(tap_shards_dataset(s), NULL, (tap_loader_options){ .shuffle = true }); */
typedef struct tap_shards tap_shards;
typedef enum { TAP_SHARDS_STREAM, TAP_SHARDS_MAP } tap_shards_mode;

TAP_API tap_shards *tap_shards_new(tap_shards_mode mode);
TAP_API void        tap_shards_free(tap_shards *s); /* after the loaders of its data set; NULL is allowed */
TAP_API tap_status  tap_shards_status(const tap_shards *s, const char **message);
/* Adds a field, whose rows are those of n files one after the other. name: of the tensor in a safetensors file; NULL for the
 * other formats. Rows of one field have the same dtype, as read, and shape; all fields have the same number of rows. In a
 * stream, files stay open. Errors, which name the file, are reported by tap_shards_status, and by loaders of the data set. */
TAP_API void tap_shards_add(tap_shards *s, int n, const char *const *paths, const char *name);
/* The data set, for one or several loaders; borrows s. */
TAP_API tap_dataset tap_shards_dataset(tap_shards *s);

/* ---- Folders of images (data/folder.c) ------------------------------------------------------------------------------ */

/* PNG files in one folder for each class, as a data set of images, uint8 [channels,height,width], and of classes, int64: the
 * place of the folder's name among those of all classes, in the order of their bytes. All images must have the size of the
 * first. Folders and files whose names begin with a dot are ignored, and so are files whose names do not end in .png. As
 * torchvision's ImageFolder. */
typedef struct tap_image_folder tap_image_folder;

/* channels: 1 grey, 2 grey and alpha, 3 red, green and blue [3], 4 these and alpha. Images are converted: colours become grey
 * by 0.299 R + 0.587 G + 0.114 B, rounded, as by Pillow; without an alpha channel, alpha is 255. */
TAP_API tap_image_folder *tap_image_folder_new(const char *path, int channels);
TAP_API void              tap_image_folder_free(tap_image_folder *f); /* after the loaders of its data set; NULL is allowed */
TAP_API tap_status        tap_image_folder_status(const tap_image_folder *f, const char **message);
/* The name of a class; NULL if there is none of this number. */
TAP_API const char *tap_image_folder_class(const tap_image_folder *f, int64_t class_number);
/* The data set, for one or several loaders; borrows f. */
TAP_API tap_dataset tap_image_folder_dataset(tap_image_folder *f);

#ifdef __cplusplus
}
#endif

#endif

/* tests/bad_arguments/data.h: bad calls of loaders of several arrays and of data sets, and of transforms, for test_nn.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_DATA_H
#define TAP_TESTS_BAD_ARGUMENTS_DATA_H

static tap_status read_zeros(void *context, int64_t row, const tap_tensor *out, tap_error *e)
{
    (void)context, (void)row, (void)e;
    tap_tensor_fill(out[0], 0);
    return TAP_OK;
}

static const tap_dataset zeros = { .rows = 3, .n = 1, .dtype = { TAP_F32 }, .shape = { { 1, { 2 } } }, .read = read_zeros };

/* Fails the module as the loader has failed, at once or at its first batch, and frees the loader. */
static void fail_as_loader(fixture *f, tap_loader *l)
{
    const char *message;
    tap_tensor  x[TAP_MAX_FIELDS];
    tap_error   e = { 0 };
    assert_false(tap_loader_cycle(l, x));
    assert_null(x[0].data);
    e.status = tap_loader_status(l, &message);
    snprintf(e.message, sizeof e.message, "%s", message);
    tap_loader_free(l);
    fail_as(f, e.status, &e);
}

static void load_arrays(fixture *f, int n, const tap_field_options *fields, tap_loader_options o)
{
    const tap_tensor arrays[2] = { data_of(f), tap_tensor_wrap(TAP_U8, TAP_SHAPE(BATCH), f->data) };
    fail_as_loader(f, tap_loader_new_arrays(n, arrays, fields, o));
}

static void load_field(fixture *f, tap_field_options field)
{
    load_arrays(f, 2, (const tap_field_options[]){ { 0 }, field }, (tap_loader_options){ 0 });
}

static void load_weights(fixture *f, double first, double second, int64_t draws, bool without_replacement)
{
    double *w = f->data;
    w[0] = first;
    w[1] = second;
    load_arrays(f, 1, NULL,
                (tap_loader_options){ .weights = tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH), w),
                                      .draws = draws,
                                      .without_replacement = without_replacement });
    for (int i = 0; i < BATCH * IN; i++) f->data[i] = i % 2;
}

static void load_transformed(fixture *f, tap_transform t)
{
    load_arrays(f, 2, NULL, (tap_loader_options){ .transform = { t } });
}

static void load_dataset(fixture *f, tap_dataset d)
{
    fail_as_loader(f, tap_loader_new_dataset(d, NULL, (tap_loader_options){ 0 }));
}

/* Fails the module as a loader of these shards has failed, and frees them. */
static void fail_as_shards(fixture *f, tap_shards *s)
{
    const tap_status status = tap_shards_status(s, NULL);
    const char      *message;
    load_dataset(f, tap_shards_dataset(s));
    if (s) assert_int_equal(tap_shards_status(s, &message), status ? status : TAP_EARG);
    tap_shards_free(s);
}

static void add_file(fixture *f, int n, const char *path, const char *name)
{
    tap_shards *s = tap_shards_new(TAP_SHARDS_STREAM);
    tap_shards_add(s, n, &path, name);
    tap_shards_add(s, n, &path, name); /* nothing more happens */
    fail_as_shards(f, s);
}

static void fail_as_folder(fixture *f, tap_image_folder *folder)
{
    load_dataset(f, tap_image_folder_dataset(folder));
    tap_image_folder_free(folder);
}

static void bad_loader_no_arrays(fixture *f)
{
    fail_as_loader(f, tap_loader_new_arrays(2, NULL, NULL, (tap_loader_options){ 0 }));
}

static void bad_loader_inert_array(fixture *f)
{
    const tap_tensor arrays[2] = { data_of(f) };
    fail_as_loader(f, tap_loader_new_arrays(2, arrays, NULL, (tap_loader_options){ 0 }));
}

static void bad_loader_rows_differ(fixture *f)
{
    const tap_tensor arrays[2] = { data_of(f), tap_tensor_wrap(TAP_U8, TAP_SHAPE(3), f->data) };
    fail_as_loader(f, tap_loader_new_arrays(2, arrays, NULL, (tap_loader_options){ 0 }));
}

static void bad_dataset_no_function(fixture *f)
{
    tap_dataset d = zeros;
    d.read = NULL;
    load_dataset(f, d);
}

static void bad_dataset_rows(fixture *f)
{
    tap_dataset d = zeros;
    d.rows = INT64_MIN;
    load_dataset(f, d);
}

static void bad_dataset_vast_batch(fixture *f)
{
    tap_dataset d = zeros;
    d.rows = INT64_MAX;
    fail_as_loader(f, tap_loader_new_dataset(d, NULL, (tap_loader_options){ .batch = INT64_MAX }));
}

static void bad_dataset_vast_fields(fixture *f)
{
    tap_dataset d = zeros;
    d.rows = INT64_MAX;
    fail_as_loader(f, tap_loader_new_dataset(d, NULL, (tap_loader_options){ .batch = 1ll << 50 }));
}

static void bad_dataset_rank(fixture *f)
{
    tap_dataset d = zeros;
    d.shape[0].rank = INT_MIN;
    load_dataset(f, d);
}

static void bad_dataset_eight_axes(fixture *f)
{
    tap_dataset d = zeros;
    d.shape[0] = (tap_shape){ .rank = 8 };
    load_dataset(f, d);
}

static void bad_dataset_dtype(fixture *f)
{
    tap_dataset d = zeros;
    d.dtype[0] = no_dtype;
    load_dataset(f, d);
}

static void bad_dataset_failed(fixture *f)
{
    const tap_error e = { TAP_EIO, "the disk is full of cats" };
    tap_dataset     d = { .error = &e };
    load_dataset(f, d);
}

/* clang-format off */
#define ONE_AND_ZERO ((double[]){ 1, 0 })

#define DATA_BAD_CALLS \
    BAD_FUNCTION(loader_no_arrays, TAP_EARG, "loader: the arrays are NULL") \
    BAD_FUNCTION(loader_inert_array, TAP_ESHAPE, "loader: array 1 must have rows, not shape []") \
    BAD_FUNCTION(loader_rows_differ, TAP_ESHAPE, "loader: array 1 has 3 rows, array 0 has 2") \
    BAD_CALL(loader_no_fields, TAP_EARG, "loader: a row must have 1 to 8 fields, not 0", \
      load_arrays(f, 0, NULL, (tap_loader_options){ 0 })) \
    BAD_CALL(loader_many_fields, TAP_EARG, "loader: a row must have 1 to 8 fields, not 9", \
      load_arrays(f, 9, NULL, (tap_loader_options){ 0 })) \
    BAD_CALL(loader_prefetch, TAP_EARG, "loader: prefetch must be within 0..16, not 17", \
      load_arrays(f, 2, NULL, (tap_loader_options){ .prefetch = 17 })) \
    BAD_CALL(loader_prefetch_negative, TAP_EARG, "loader: prefetch must be within 0..16, not -1", \
      load_arrays(f, 2, NULL, (tap_loader_options){ .prefetch = -1 })) \
    BAD_CALL(loader_no_batch, TAP_EARG, "loader: an epoch of 2 rows has no batch of 3 rows", \
      load_arrays(f, 2, NULL, (tap_loader_options){ .batch = 3, .drop_last = true })) \
    BAD_CALL(field_as, TAP_EARG, "loader: field 1: as must be a TAP_FIELD, not 4", load_field(f, (tap_field_options){ .as = 4 })) \
    BAD_CALL(field_scale, TAP_EARG, "loader: scale must be finite, not inf", \
      load_field(f, (tap_field_options){ .scale = (double)INFINITY })) \
    BAD_CALL(field_classes, TAP_EARG, "loader: field 1: classes must be at least 1, not -5", \
      load_field(f, (tap_field_options){ .as = TAP_FIELD_ONE_HOT, .classes = -5 })) \
    BAD_CALL(field_vast, TAP_ENOMEM, NULL, load_field(f, (tap_field_options){ .as = TAP_FIELD_ONE_HOT, .classes = 1ll << 50 })) \
    BAD_CALL(field_overflow, TAP_ESHAPE, "loader: field 1 has too many elements in a row", \
      load_field(f, (tap_field_options){ .as = TAP_FIELD_ONE_HOT, .classes = INT64_MAX })) \
    BAD_CALL(field_float_index, TAP_EDTYPE, "loader: field 0 must hold integers to be classes, not float64", \
      load_arrays(f, 1, &(tap_field_options){ .as = TAP_FIELD_INDEX }, (tap_loader_options){ 0 })) \
    BAD_CALL(weights_shape, TAP_ESHAPE, "loader: weights must be [2], one for each row, not [2,4]", \
      load_arrays(f, 1, NULL, (tap_loader_options){ .weights = data_of(f) })) \
    BAD_CALL(weights_rank, TAP_ESHAPE, "loader: weights must be [2], one for each row, not []", \
      load_arrays(f, 1, NULL, (tap_loader_options){ .weights = of_rank(f, INT_MIN) })) \
    BAD_CALL(weights_negative, TAP_EARG, "loader: weights must be finite and at least 0; that of row 1 is not", \
      load_weights(f, 1, -1, 0, false)) \
    BAD_CALL(weights_nan, TAP_EARG, "loader: weights must be finite and at least 0; that of row 0 is not", \
      load_weights(f, (double)NAN, 1, 0, true)) \
    BAD_CALL(weights_zero, TAP_EARG, "loader: the sum of the weights must be above 0, and finite", load_weights(f, 0, 0, 0, false)) \
    BAD_CALL(weights_overflow, TAP_EARG, "loader: the sum of the weights must be above 0, and finite", \
      load_weights(f, 1e308, 1e308, 0, false)) \
    BAD_CALL(weights_too_few, TAP_EARG, "loader: 2 rows cannot be drawn without replacement from 1 of weight above 0", \
      load_weights(f, 1, 0, 2, true)) \
    BAD_CALL(draws_negative, TAP_EARG, "loader: draws must be at least 1, not -9223372036854775808", \
      load_weights(f, 1, 1, INT64_MIN, false)) \
    BAD_CALL(draws_vast, TAP_EARG, "loader: 9223372036854775807 rows cannot be drawn without replacement from 2 of weight above 0", \
      load_weights(f, 1, 1, INT64_MAX, true)) \
    BAD_CALL(draws_without_weights, TAP_EARG, "loader: draws and without_replacement need weights", \
      load_arrays(f, 1, NULL, (tap_loader_options){ .draws = 1 })) \
    BAD_CALL(weights_and_shuffle, TAP_EARG, "loader: weights draw rows in a random order already; leave out shuffle", \
      load_arrays(f, 1, NULL, \
        (tap_loader_options){ .weights = tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH), f->data), .shuffle = true })) \
    BAD_FUNCTION(dataset_no_function, TAP_EARG, "loader: the data set has no function read") \
    BAD_FUNCTION(dataset_rows, TAP_EARG, "loader: the data set cannot have -9223372036854775808 rows") \
    BAD_FUNCTION(dataset_vast_batch, TAP_ENOMEM, "loader: no memory for a batch of 9223372036854775807 rows") \
    BAD_FUNCTION(dataset_vast_fields, TAP_ENOMEM, NULL) \
    BAD_FUNCTION(dataset_rank, TAP_ESHAPE, "loader: a row's field 0 must have a shape of at most 7 axes, not []") \
    BAD_FUNCTION(dataset_eight_axes, TAP_ESHAPE, \
      "loader: a row's field 0 must have a shape of at most 7 axes, not [0,0,0,0,0,0,0,0]") \
    BAD_FUNCTION(dataset_dtype, TAP_EDTYPE, "loader: field 0 of the data set must have a dtype") \
    BAD_FUNCTION(dataset_failed, TAP_EIO, "the disk is full of cats") \
    BAD_CALL(shards_null, TAP_EARG, "shards: NULL", fail_as_shards(f, NULL)) \
    BAD_CALL(shards_none, TAP_EARG, "shards: there are no files", fail_as_shards(f, tap_shards_new(TAP_SHARDS_MAP))) \
    BAD_CALL(shards_mode, TAP_EARG, "shards: the mode must be stream or map, not 7", \
      fail_as_shards(f, tap_shards_new((tap_shards_mode)7))) \
    BAD_CALL(shards_count, TAP_EARG, "shards: a field needs at least one file, not -2147483648", add_file(f, INT_MIN, "good", NULL)) \
    BAD_CALL(shards_path, TAP_EARG, "shards: the path is NULL", add_file(f, 1, NULL, NULL)) \
    BAD_CALL(shards_folder, TAP_EIO, ".: is not a regular file", add_file(f, 1, ".", NULL)) \
    BAD_CALL(shards_name, TAP_EARG, "good: has no tensor 'x'", add_file(f, 1, "good", "x")) \
    BAD_CALL(folder_null, TAP_EARG, "image_folder: NULL", fail_as_folder(f, NULL)) \
    BAD_CALL(folder_path, TAP_EARG, "image_folder: the path is NULL", fail_as_folder(f, tap_image_folder_new(NULL, 3))) \
    BAD_CALL(folder_channels, TAP_EARG, "image_folder: channels must be within 1..4, not -2147483648", \
      fail_as_folder(f, tap_image_folder_new(".", INT_MIN))) \
    BAD_CALL(crop_padding, TAP_EARG, "loader: row 0: random_crop: padding must be within 0..2^31-1, not -2", \
      load_transformed(f, tap_transform_random_crop(-2))) \
    BAD_CALL(crop_axes, TAP_ESHAPE, "loader: row 0: random_crop: field 0 must have at least 2 axes, not [4]", \
      load_transformed(f, tap_transform_random_crop(1))) \
    BAD_CALL(flip_p, TAP_EARG, "loader: row 0: horizontal_flip: p must be within 0..1, not 1.5", \
      load_transformed(f, tap_transform_horizontal_flip(1.5))) \
    BAD_CALL(flip_field, TAP_EARG, "loader: row 0: horizontal_flip: field must be within 0..1, not -7", \
      load_transformed(f, (tap_transform){ .row = tap_transform_horizontal_flip(1).row, .field = -7 })) \
    BAD_CALL(normalize_null, TAP_EARG, "loader: row 0: normalize: channels must be within 1..16, with a mean and a std", \
      load_transformed(f, tap_transform_normalize(4, ONE_AND_ZERO, NULL))) \
    BAD_CALL(normalize_many, TAP_EARG, "loader: row 0: normalize: channels must be within 1..16, with a mean and a std", \
      load_transformed(f, tap_transform_normalize(17, (double[17]){ 0 }, (double[17]){ 0 }))) \
    BAD_CALL(normalize_channels, TAP_ESHAPE, "loader: row 0: normalize: the image must have 2 channels, not shape [4]", \
      load_transformed(f, tap_transform_normalize(2, ONE_AND_ZERO, ONE_AND_ZERO))) \
    BAD_CALL(normalize_std, TAP_EARG, "loader: row 0: normalize: channel 1 needs a finite mean and a std above 0", \
      load_transformed(f, tap_transform_normalize(4, ((double[4]){ 1 }), ((double[4]){ 1 })))) \
    BAD_CALL(mixup_dtype, TAP_EDTYPE, \
      "loader: batch from row 0: mixup: field 1 is uint8, which cannot be mixed; labels must be TAP_FIELD_ONE_HOT", \
      load_transformed(f, tap_transform_mixup(1))) \
    BAD_CALL(mixup_alpha, TAP_EARG, "loader: batch from row 0: mixup: alpha must be finite and above 0", \
      load_arrays(f, 1, NULL, (tap_loader_options){ .transform = { tap_transform_mixup(0) } }))
/* clang-format on */

#endif

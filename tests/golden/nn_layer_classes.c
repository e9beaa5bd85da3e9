/* tests/golden/nn_layer_classes.c: how layers of torch.nn are made and called here. Those without parameters are functions. */
#include "tests/golden/nn_layer.h"

/* The struct of a layer, zeroed. */
#define NEW(type) ((type *)(l->layer = tap_arena_alloc(l->c->arena, sizeof(type))))
#define GET(type) ((const type *)l->layer)
#define INPUT     nn_input(l, "input")

/* ---- Linear ---- */

static void make_linear(nn_layer *l)
{
    tap_linear_init_with(NEW(tap_linear), l->root, "layer", nn_integer(l, "in_features", 0), nn_integer(l, "out_features", 0),
                         (tap_linear_options){ .no_bias = !nn_bool(l, "bias", true) });
}

static void run_linear(nn_layer *l)
{
    l->result[0] = tap_linear_forward(GET(tap_linear), INPUT);
}

static void make_bilinear(nn_layer *l)
{
    tap_bilinear_init(NEW(tap_bilinear_layer), l->root, "layer", nn_integer(l, "in1_features", 0),
                      nn_integer(l, "in2_features", 0), nn_integer(l, "out_features", 0),
                      (tap_linear_options){ .no_bias = !nn_bool(l, "bias", true) });
}

static void run_bilinear(nn_layer *l)
{
    l->result[0] = tap_bilinear_forward(GET(tap_bilinear_layer), nn_input(l, "input1"), nn_input(l, "input2"));
}

/* ---- Convolution ---- */

static int choose(nn_layer *l, const char *argument, const char *value, int n, const char *const *names)
{
    for (int i = 0; i < n; i++) {
        if (!strcmp(names[i], value)) return i;
    }
    nn_fail(l->c, "%s: '%s' is not known", argument, value);
    return 0;
}

static tap_conv_options conv_options(nn_layer *l, int axes)
{
    static const char *const modes[] = { "zeros", "reflect", "replicate", "circular" };
    const char              *padding = nn_text(l->args, "padding"), *mode = nn_text(l->args, "padding_mode");
    tap_conv_options         o = { .groups = nn_integer(l, "groups", 1), .no_bias = !nn_bool(l, "bias", true) };
    o.same = strcmp(padding, "same") == 0;
    if (!*padding) nn_per_axis(l, "padding", axes, o.padding);
    else if (!o.same && strcmp(padding, "valid") != 0) nn_fail(l->c, "padding '%s' is not known", padding);
    nn_per_axis(l, "stride", axes, o.stride);
    nn_per_axis(l, "dilation", axes, o.dilation);
    nn_per_axis(l, "output_padding", axes, o.output_padding);
    o.padding_mode = (tap_pad_mode)choose(l, "padding_mode", *mode ? mode : "zeros", 4, modes);
    return o;
}

static void make_conv(nn_layer *l, int axes, bool transposed)
{
    const int64_t          in = nn_integer(l, "in_channels", 0), out = nn_integer(l, "out_channels", 0);
    const tap_conv_options o = conv_options(l, axes);
    int64_t                k[2] = { 0 };
    tap_conv              *layer = NEW(tap_conv);
    nn_per_axis(l, "kernel_size", axes, k);
    if (axes == 1 && transposed) tap_conv_transpose1d_init(layer, l->root, "layer", in, out, k[0], o);
    else if (axes == 1) tap_conv1d_init(layer, l->root, "layer", in, out, k[0], o);
    else if (transposed) tap_conv_transpose2d_init(layer, l->root, "layer", in, out, k[0], k[1], o);
    else tap_conv2d_init(layer, l->root, "layer", in, out, k[0], k[1], o);
    l->transposed = transposed;
}

static void make_conv1d(nn_layer *l)
{
    make_conv(l, 1, false);
}

static void make_conv2d(nn_layer *l)
{
    make_conv(l, 2, false);
}

static void make_conv_transpose1d(nn_layer *l)
{
    make_conv(l, 1, true);
}

static void make_conv_transpose2d(nn_layer *l)
{
    make_conv(l, 2, true);
}

/* PyTorch takes the output's size with or without the axes of batch and channels. */
static void run_conv(nn_layer *l)
{
    const tap_conv *layer = GET(tap_conv);
    const nn_layer  of_call = { .c = l->c, .args = l->call };
    const tap_shape given = nn_sizes(&of_call, "output_size");
    int64_t         size[2] = { 0 };
    for (int i = 0; i < layer->axes && given.rank >= layer->axes; i++) size[i] = given.n[given.rank - layer->axes + i];
    const bool to_size = nn_field(l->call, "output_size");
    l->result[0] = to_size ? tap_conv_forward_to(layer, INPUT, size) : tap_conv_forward(layer, INPUT);
}

/* ---- Normalization ---- */

static void make_batch_norm(nn_layer *l)
{
    tap_batch_norm_options o = { .eps = nn_option(l, "eps"),
                                 .momentum = nn_option(l, "momentum"),
                                 .cumulative = nn_is_none(l, "momentum"),
                                 .no_affine = !nn_bool(l, "affine", true),
                                 .no_running_stats = !nn_bool(l, "track_running_stats", true) };
    tap_batch_norm_init(NEW(tap_batch_norm_layer), l->root, "layer", nn_integer(l, "num_features", 0), o);
}

static void run_batch_norm(nn_layer *l)
{
    l->result[0] = tap_batch_norm_forward(GET(tap_batch_norm_layer), INPUT);
}

static void make_instance_norm(nn_layer *l)
{
    tap_instance_norm_options o = { .eps = nn_option(l, "eps"),
                                    .momentum = nn_is_none(l, "momentum") ? TAP_ZERO : nn_option(l, "momentum"),
                                    .affine = nn_bool(l, "affine", false),
                                    .track_running_stats = nn_bool(l, "track_running_stats", false) };
    tap_instance_norm_init(NEW(tap_instance_norm_layer), l->root, "layer", nn_integer(l, "num_features", 0), o);
}

/* PyTorch's classes know the number of axes, and so whether there is a batch. */
static void run_instance_norm(nn_layer *l)
{
    const int     axes = nn_text(l->c->json, "class")[strlen("InstanceNorm")] - '0';
    const bool    one = tap_shape_of(INPUT).rank == axes + 1;
    const tap_var y = tap_instance_norm_forward(GET(tap_instance_norm_layer), one ? tap_unsqueeze(INPUT, 0) : INPUT);
    l->result[0] = one ? tap_squeeze(y, TAP_AXES(0)) : y;
}

static void make_layer_norm(nn_layer *l)
{
    tap_layer_norm_options o = { .eps = nn_option(l, "eps"),
                                 .no_affine = !nn_bool(l, "elementwise_affine", true),
                                 .no_bias = !nn_bool(l, "bias", true) };
    tap_layer_norm_init(NEW(tap_layer_norm_layer), l->root, "layer", nn_sizes(l, "normalized_shape"), o);
}

static void run_layer_norm(nn_layer *l)
{
    l->result[0] = tap_layer_norm_forward(GET(tap_layer_norm_layer), INPUT);
}

static void make_rms_norm(nn_layer *l)
{
    tap_rms_norm_options o = { .eps = nn_option(l, "eps"), .no_affine = !nn_bool(l, "elementwise_affine", true) };
    tap_rms_norm_init(NEW(tap_rms_norm_layer), l->root, "layer", nn_sizes(l, "normalized_shape"), o);
}

static void run_rms_norm(nn_layer *l)
{
    l->result[0] = tap_rms_norm_forward(GET(tap_rms_norm_layer), INPUT);
}

static void make_group_norm(nn_layer *l)
{
    tap_group_norm_options o = { .eps = nn_option(l, "eps"), .no_affine = !nn_bool(l, "affine", true) };
    tap_group_norm_init(NEW(tap_group_norm_layer), l->root, "layer", nn_integer(l, "num_groups", 0),
                        nn_integer(l, "num_channels", 0), o);
}

static void run_group_norm(nn_layer *l)
{
    l->result[0] = tap_group_norm_forward(GET(tap_group_norm_layer), INPUT);
}

/* ---- Embedding, PReLU, dropout ---- */

static void make_embedding(nn_layer *l)
{
    tap_embedding_options o = { .has_padding_idx = nn_field(l->args, "padding_idx"),
                                .padding_idx = nn_integer(l, "padding_idx", 0),
                                .scale_grad_by_freq = nn_bool(l, "scale_grad_by_freq", false),
                                .max_norm = nn_option(l, "max_norm"),
                                .norm_type = nn_number(nn_field(l->args, "norm_type"), 2) };
    tap_embedding_init(NEW(tap_embedding_layer), l->root, "layer", nn_integer(l, "num_embeddings", 0),
                       nn_integer(l, "embedding_dim", 0), o);
}

static void run_embedding(nn_layer *l)
{
    l->result[0] = tap_embedding_forward(GET(tap_embedding_layer), INPUT);
}

static void make_prelu(nn_layer *l)
{
    const double      init = nn_number(nn_field(l->args, "init"), 0.25);
    tap_prelu_layer  *layer = NEW(tap_prelu_layer);
    tap_prelu_options o = { .num_parameters = nn_integer(l, "num_parameters", 1), .init = init > 0 ? init : TAP_ZERO };
    tap_prelu_init(layer, l->root, "layer", o);
    if (init < 0) tap_tensor_fill(tap_param_value(layer->weight), init); /* an option has no negative numbers */
}

static void run_prelu(nn_layer *l)
{
    l->result[0] = tap_prelu_forward(GET(tap_prelu_layer), INPUT);
}

static void make_dropout(nn_layer *l)
{
    tap_dropout_init(NEW(tap_dropout_layer), l->root, "layer", nn_number(nn_field(l->args, "p"), 0.5));
}

static void run_dropout(nn_layer *l)
{
    l->result[0] = tap_dropout_forward(GET(tap_dropout_layer), INPUT);
}

/* ---- Pooling ---- */

static tap_pool_options pool_options(nn_layer *l, int axes)
{
    tap_pool_options o = { .divisor = nn_integer(l, "divisor_override", 0),
                           .ceil_mode = nn_bool(l, "ceil_mode", false),
                           .exclude_pad = !nn_bool(l, "count_include_pad", true) };
    nn_per_axis(l, "kernel_size", axes, o.kernel);
    nn_per_axis(l, "stride", axes, o.stride);
    nn_per_axis(l, "padding", axes, o.padding);
    nn_per_axis(l, "dilation", axes, o.dilation);
    return o;
}

static void run_max_pool1d(nn_layer *l)
{
    l->result[0] = tap_max_pool1d(INPUT, pool_options(l, 1), &l->result[1]);
}

static void run_max_pool2d(nn_layer *l)
{
    l->result[0] = tap_max_pool2d(INPUT, pool_options(l, 2), &l->result[1]);
}

static void run_avg_pool1d(nn_layer *l)
{
    l->result[0] = tap_avg_pool1d(INPUT, pool_options(l, 1));
}

static void run_avg_pool2d(nn_layer *l)
{
    l->result[0] = tap_avg_pool2d(INPUT, pool_options(l, 2));
}

static void run_adaptive_avg_pool1d(nn_layer *l)
{
    int64_t size[1] = { 0 };
    nn_per_axis(l, "output_size", 1, size);
    l->result[0] = tap_adaptive_avg_pool1d(INPUT, size[0]);
}

static void run_adaptive_avg_pool2d(nn_layer *l)
{
    int64_t size[2] = { 0 };
    nn_per_axis(l, "output_size", 2, size);
    l->result[0] = tap_adaptive_avg_pool2d(INPUT, size[0], size[1]);
}

static void run_adaptive_max_pool1d(nn_layer *l)
{
    int64_t size[1] = { 0 };
    nn_per_axis(l, "output_size", 1, size);
    l->result[0] = tap_adaptive_max_pool1d(INPUT, size[0], &l->result[1]);
}

static void run_adaptive_max_pool2d(nn_layer *l)
{
    int64_t size[2] = { 0 };
    nn_per_axis(l, "output_size", 2, size);
    l->result[0] = tap_adaptive_max_pool2d(INPUT, size[0], size[1], &l->result[1]);
}

/* ---- Upsample ---- */

static void run_upsample(nn_layer *l)
{
    static const char *const names[] = { "nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area" };
    const char              *given = nn_text(l->args, "mode");
    const int               mode = choose(l, "mode", *given ? given : "nearest", 7, names), axes = tap_shape_of(INPUT).rank - 2;
    const cJSON            *scale = nn_field(l->args, "scale_factor");
    tap_interpolate_options o = { .align_corners = nn_bool(l, "align_corners", false),
                                  .recompute_scale = nn_bool(l, "recompute_scale_factor", false) };
    o.mode = mode < 2 ? mode : mode < 5 ? TAP_INTERPOLATE_LINEAR : mode == 5 ? TAP_INTERPOLATE_BICUBIC : TAP_INTERPOLATE_AREA;
    nn_per_axis(l, "size", axes, o.size);
    for (int i = 0; i < axes && i < 3; i++)
        o.scale[i] = nn_number(cJSON_IsArray(scale) ? cJSON_GetArrayItem(scale, i) : scale, 0);
    l->result[0] = tap_interpolate(INPUT, o);
}

/* clang-format off */
#define CONV         "in_channels out_channels kernel_size stride padding dilation groups bias padding_mode"
#define TRANSPOSED   CONV " output_padding output_size"
#define BATCH_NORM   "num_features eps momentum affine track_running_stats"
#define MAX_POOL     "kernel_size stride padding dilation return_indices ceil_mode"
#define AVG_POOL     "kernel_size stride padding ceil_mode count_include_pad"

const nn_layer_class nn_layer_classes[] = {
    { "Linear", "in_features out_features bias", make_linear, run_linear },
    { "Bilinear", "in1_features in2_features out_features bias", make_bilinear, run_bilinear },
    { "Conv1d", CONV, make_conv1d, run_conv },
    { "Conv2d", CONV, make_conv2d, run_conv },
    { "ConvTranspose1d", TRANSPOSED, make_conv_transpose1d, run_conv },
    { "ConvTranspose2d", TRANSPOSED, make_conv_transpose2d, run_conv },
    { "BatchNorm1d", BATCH_NORM, make_batch_norm, run_batch_norm },
    { "BatchNorm2d", BATCH_NORM, make_batch_norm, run_batch_norm },
    { "BatchNorm3d", BATCH_NORM, make_batch_norm, run_batch_norm },
    { "InstanceNorm1d", BATCH_NORM, make_instance_norm, run_instance_norm },
    { "InstanceNorm2d", BATCH_NORM, make_instance_norm, run_instance_norm },
    { "InstanceNorm3d", BATCH_NORM, make_instance_norm, run_instance_norm },
    { "LayerNorm", "normalized_shape eps elementwise_affine bias", make_layer_norm, run_layer_norm },
    { "RMSNorm", "normalized_shape eps elementwise_affine", make_rms_norm, run_rms_norm },
    { "GroupNorm", "num_groups num_channels eps affine", make_group_norm, run_group_norm },
    { "Embedding", "num_embeddings embedding_dim padding_idx max_norm norm_type scale_grad_by_freq sparse", make_embedding, run_embedding },
    { "PReLU", "num_parameters init", make_prelu, run_prelu },
    { "Dropout", "p", make_dropout, run_dropout },
    { "MaxPool1d", MAX_POOL, NULL, run_max_pool1d },
    { "MaxPool2d", MAX_POOL, NULL, run_max_pool2d },
    { "AvgPool1d", AVG_POOL, NULL, run_avg_pool1d },
    { "AvgPool2d", AVG_POOL " divisor_override", NULL, run_avg_pool2d },
    { "AdaptiveAvgPool1d", "output_size", NULL, run_adaptive_avg_pool1d },
    { "AdaptiveAvgPool2d", "output_size", NULL, run_adaptive_avg_pool2d },
    { "AdaptiveMaxPool1d", "output_size return_indices", NULL, run_adaptive_max_pool1d },
    { "AdaptiveMaxPool2d", "output_size return_indices", NULL, run_adaptive_max_pool2d },
    { "Upsample", "size scale_factor mode align_corners recompute_scale_factor", NULL, run_upsample },
    { 0 },
};
/* clang-format on */

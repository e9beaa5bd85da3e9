/* tests/nn/edges_layers.c: layers with infinity, NaN and numbers at the ends of the range. The inputs are x, the weight and the
 * bias, which take the place of the layer's own parameters. */
#include "tests/nn/edge_layers.h"

#define NO_BIAS .no_bias = true
#define NAMED   layers_root(), __func__
#define W       l.weight
#define B       l.bias
#define EVAL    tap_module_eval((tap_module *)(uintptr_t)l.module)

CASE(linear, tap_linear, tap_linear_init_with(&l, NAMED, 2, 2, (tap_linear_options){ NO_BIAS }), W, NULL,
     tap_linear_forward(&l, x))
CASE(mlp, tap_mlp,
     tap_mlp_init_with(&l, NAMED, 2, (const int64_t[]){ 2, 1 }, tap_relu, (tap_mlp_options){ .linear_output = true }),
     l.layers ? l.layers->weight : NULL, l.layers ? l.layers->bias : NULL, tap_mlp_forward(&l, x))
CASE(conv, tap_conv,
     tap_conv1d_init(&l, NAMED, 1, 1, 2, (tap_conv_options){ NO_BIAS, .padding = { 1 }, .padding_mode = TAP_PAD_REPLICATE }), W,
     NULL, tap_conv_forward(&l, x))
CASE(conv_to, tap_conv, tap_conv_transpose1d_init(&l, NAMED, 1, 1, 1, (tap_conv_options){ .stride = { 2 } }), W, B,
     tap_conv_forward_to(&l, x, (const int64_t[]){ 4 }))
CASE(batch_norm, tap_batch_norm_layer,
     tap_batch_norm_init(&l, NAMED, 1, (tap_batch_norm_options){ .eps = TAP_ZERO, .no_running_stats = true }), W, B,
     tap_batch_norm_forward(&l, x))
CASE(running, tap_batch_norm_layer, tap_batch_norm_init(&l, NAMED, 1, (tap_batch_norm_options){ .eps = TAP_ZERO });
     EVAL, W, B, tap_batch_norm_forward(&l, x))
CASE(instance_norm, tap_instance_norm_layer,
     tap_instance_norm_init(&l, NAMED, 1, (tap_instance_norm_options){ .eps = TAP_ZERO, .affine = true }), W, B,
     tap_instance_norm_forward(&l, x))
CASE(layer_norm, tap_layer_norm_layer,
     tap_layer_norm_init(&l, NAMED, TAP_SHAPE(2), (tap_layer_norm_options){ .eps = TAP_ZERO }), W, B,
     tap_layer_norm_forward(&l, x))
CASE(rms_norm, tap_rms_norm_layer, tap_rms_norm_init(&l, NAMED, TAP_SHAPE(2), (tap_rms_norm_options){ .eps = TAP_ZERO }), W,
     NULL, tap_rms_norm_forward(&l, x))
CASE(group_norm, tap_group_norm_layer, tap_group_norm_init(&l, NAMED, 1, 2, (tap_group_norm_options){ .eps = TAP_ZERO }), W, B,
     tap_group_norm_forward(&l, x))
CASE(prelu, tap_prelu_layer, tap_prelu_init(&l, NAMED, (tap_prelu_options){ 0 }), W, NULL, tap_prelu_forward(&l, x))
CASE(all_dropped, tap_dropout_layer, tap_dropout_init(&l, NAMED, 1), NULL, NULL, tap_dropout_forward(&l, x))
CASE(kept, tap_dropout_layer, tap_dropout_init(&l, NAMED, 1); EVAL, NULL, NULL, tap_dropout_forward(&l, x))
CASE(bilinear, tap_bilinear_layer, tap_bilinear_init(&l, NAMED, 2, 1, 1, (tap_linear_options){ NO_BIAS }), NULL, W,
     tap_bilinear_forward(&l, x, w))

/* x is the table. */
static tap_var rows_of(const tap_var *v, tap_embedding_layer *l, tap_embedding_options o)
{
    if (!l->weight) tap_embedding_init(l, layers_root(), o.scale_grad_by_freq ? "by_frequency" : "rows", 3, 1, o);
    tap_param_replace(v[0].tape, l->weight, v[0]);
    return tap_embedding_forward(l, PLACES(TAP_SHAPE(3), 1, 2, 1));
}

static tap_var embedding_of(const tap_var *v)
{
    static tap_embedding_layer l;
    return rows_of(v, &l, (tap_embedding_options){ .has_padding_idx = true, .padding_idx = -1 });
}

static tap_var frequency_of(const tap_var *v)
{
    static tap_embedding_layer l;
    return rows_of(v, &l, (tap_embedding_options){ .scale_grad_by_freq = true });
}

/* g v / |v| as the weight of a layer: x, g and v. */
static tap_var weight_norm_of(const tap_var *v)
{
    static tap_linear l;
    if (!l.weight) {
        tap_linear_init_with(&l, layers_root(), "weight_norm", 2, 1, (tap_linear_options){ NO_BIAS });
        tap_weight_norm(l.weight, (tap_weight_norm_options){ 0 });
    }
    tap_param_replace(v[0].tape, tap_module_param(layers_root(), "weight_norm.parametrizations.weight.original0"), v[1]);
    tap_param_replace(v[0].tape, tap_module_param(layers_root(), "weight_norm.parametrizations.weight.original1"), v[2]);
    return tap_linear_forward(&l, v[0]);
}

/* clang-format off */
#define ROW(id_, name, n_, ...) { .id = id_, .f = name##_of, .n = n_, __VA_ARGS__ }
#define SHAPES(...)             .shape = { __VA_ARGS__ }
#define XS(...)                 .x = { __VA_ARGS__ }
#define GS(...)                 .g = { __VA_ARGS__ }

const edge_case layer_cases[] = {
    ROW("linear_forward", linear, 2, SHAPES(S(1, 2), S(2, 2)), XS(N(Inf, 1), N(1, 2, 3, 4)), .out = S(1, 2), .y = N(Inf, Inf),
        GS(N(4, 6), N(Inf, 1, Inf, 1)), .unmasked = sums),
    ROW("linear_forward__weight_norm", weight_norm, 3, SHAPES(S(1, 2), S(1, 1), S(1, 2)), XS(N(5, 5), N(2), N(MAX, 0)), .out = S(1, 1),
        .y = N(10), GS(N(2, 0), N(5), N(0, 0)), .only = EDGE_F64, .ulps = 2),
    ROW("linear_forward__weight_norm_0", weight_norm, 3, SHAPES(S(1, 2), S(1, 1), S(1, 2)), XS(N(5, 5), N(2), N(0, 0)), .out = S(1, 1),
        .y = N(0), GS(N(0, 0), N(0), N(0, 0))),
    ROW("mlp_forward", mlp, 3, SHAPES(S(1, 2), S(1, 2), S(1)), XS(N(1, -3), N(1, 1), N(-0.0)), .out = S(1, 1), .y = N(-2),
        GS(N(1, 1), N(1, -3), N(1))),
    ROW("conv_forward", conv, 2, SHAPES(S(1, 1, 2), S(1, 1, 2)), XS(N(1, Inf), N(1, 1)), .out = S(1, 1, 3), .y = N(2, Inf, Inf),
        GS(N(3, 3), N(Inf, Inf)), .unmasked = sums),
    ROW("conv_forward_to", conv_to, 3, SHAPES(S(1, 1, 2), S(1, 1, 1), S(1)), XS(N(Inf, 2), N(3), N(1)), .out = S(1, 1, 4),
        .y = N(Inf, 1, 7, 1), GS(N(3, 3), N(Inf), N(4)), .unmasked = sums),
    ROW("batch_norm_forward", batch_norm, 3, SHAPES(S(2, 1), S(1), S(1)), XS(N(MAX, -MAX), N(2), N(1)), .out = S(2, 1), .y = N(3, -1),
        GS(N(0, 0), N(0), N(2))),
    ROW("batch_norm_forward__running", running, 3, SHAPES(S(3, 1), S(1), S(1)), XS(N(MAX, -Inf, NaN), N(1), N(-0.0)), .out = S(3, 1),
        .y = N(MAX, -Inf, NaN), .c = N(1, 1, 1), GS(N(1, 1, 1), NULL, N(3))),
    ROW("instance_norm_forward", instance_norm, 3, SHAPES(S(1, 1, 2), S(1), S(1)), XS(N(MAX, -MAX), N(2), N(1)), .out = S(1, 1, 2),
        .y = N(3, -1), GS(N(0, 0), N(0), N(2))),
    ROW("layer_norm_forward", layer_norm, 3, SHAPES(S(1, 2), S(2), S(2)), XS(N(MIN, -MIN), N(2, 3), N(1, 0)), .out = S(1, 2),
        .y = N(3, -3), .c = N(0, 1), GS(N(0, 0), N(0, -1), N(0, 1))),
    ROW("rms_norm_forward", rms_norm, 2, SHAPES(S(1, 2), S(2)), XS(N(0, 0), N(2, 3)), .out = S(1, 2), .y = N(0, 0),
        GS(N(0, 0), N(0, 0))),
    ROW("group_norm_forward", group_norm, 3, SHAPES(S(1, 2), S(2), S(2)), XS(N(7, 7), N(2, 3), N(1, -1)), .out = S(1, 2),
        .y = N(1, -1), GS(N(0, 0), N(0, 0), N(1, 1))),
    ROW("embedding_forward", embedding, 1, SHAPES(S(3, 1)), XS(N(NaN, Inf, 2)), .out = S(3, 1), .y = N(Inf, 2, Inf), GS(N(0, 2, 0))),
    ROW("embedding_forward__frequency", frequency, 1, SHAPES(S(3, 1)), XS(N(NaN, Inf, 2)), .out = S(3, 1), .y = N(Inf, 2, Inf),
        .c = N(1, 4, 2), GS(N(0, 1.5, 4))),
    ROW("prelu_forward", prelu, 2, SHAPES(S(3), S(1)), XS(N(-0.0, 2, -MAX), N(0.5)), .out = S(3), .y = N(-0.0, 2, -MAX / 2),
        .only = EDGE_F64, GS(N(0.5, 1, 0.5), N(-MAX))),
    ROW("dropout_forward", all_dropped, 1, SHAPES(S(2)), XS(N(Inf, NaN)), .out = S(2), .y = N(0, 0), GS(N(0, 0))),
    ROW("dropout_forward__eval", kept, 1, SHAPES(S(2)), XS(N(Inf, NaN)), .out = S(2), .y = N(Inf, NaN), GS(N(1, 1))),
    ROW("bilinear_forward", bilinear, 3, SHAPES(S(1, 2), S(1, 1), S(1, 2, 1)), XS(N(Inf, 2), N(3), N(1, -1)), .out = S(1, 1),
        .y = N(Inf), GS(N(3, -3), N(Inf), N(Inf, 6)), .unmasked = sums),
    { 0 },
};
/* clang-format on */

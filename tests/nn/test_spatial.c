/* tests/nn/test_spatial.c: convolution, pooling, padding and interpolation, compared with plain loops and with values computed
 * by hand. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"
#include "tests/check.h"

#define NAN_    (double)NAN
#define INF     (double)INFINITY
#define D(...)  ((const double[]){ __VA_ARGS__ })
#define NOTHING ((tap_var){ 0 })

static tap_tape *t;

static void begin(tap_dtype dtype)
{
    t = tap_tape_new(dtype, 5);
}

static void end(void)
{
    assert_tape_ok(t);
    tap_tape_free(t);
}

static tap_var floats(tap_shape shape, const double *x)
{
    tap_var v = tap_zeros(t, shape);
    for (int64_t i = 0; i < tap_numel(shape); i++) tap_tensor_set_item(tap_value(v), i, x[i]);
    return v;
}

/* 0, 1, 2, ... */
static tap_var count(tap_shape shape)
{
    return tap_reshape(tap_cast(tap_arange(t, tap_numel(shape)), tap_tape_dtype(t)), shape);
}

static void expect(tap_var v, tap_shape shape, const double *want, double tolerance)
{
    tap_tensor x = tap_value(v);
    char       a[TAP_SHAPE_TEXT];
    assert_tape_ok(t);
    if (!tap_shape_equal(x.shape, shape)) fail_msg("the shape is %s", tap_shape_format(a, x.shape));
    for (int64_t i = 0; i < tap_numel(shape); i++) {
        double got = tap_tensor_item(x, i);
        bool   same = got == want[i] || (isnan(got) && isnan(want[i])) || fabs(got - want[i]) <= tolerance;
        if (!same) fail_msg("element %d: %.17g, not %.17g", (int)i, got, want[i]);
    }
}

static double tolerance(void)
{
    return tap_tape_dtype(t) == TAP_F32 ? 2e-5 : 1e-12;
}

/* Element [i,j,k,l] of a tensor of four axes. */
static double item_at(tap_var v, int64_t i, int64_t j, int64_t k, int64_t l)
{
    return tap_tensor_get(tap_value(v), (const int64_t[]){ i, j, k, l });
}

/* ---- Convolution ---- */

typedef struct {
    tap_shape        x, weight;
    bool             bias;
    tap_conv_options o;
    int64_t          height, width; /* of the result */
} convolution;

static int64_t or_1(int64_t a)
{
    return a ? a : 1;
}

#define IMAGES(...) \
    { \
        .rank = 4, .n = { __VA_ARGS__ } \
    }

static const convolution convolutions[] = {
    { IMAGES(2, 3, 5, 4), IMAGES(4, 3, 3, 2), true, { .groups = 0 }, 3, 3 },
    { IMAGES(2, 3, 5, 4), IMAGES(4, 3, 3, 2), false, { .stride = { 2, 3 } }, 2, 1 },
    { IMAGES(1, 2, 6, 7), IMAGES(2, 2, 3, 3), true, { .padding = { 2, 1 }, .dilation = { 1, 3 } }, 8, 3 },
    { IMAGES(3, 4, 5, 5), IMAGES(6, 2, 2, 3), true, { .stride = { 2, 1 }, .padding = { 1, 0 }, .groups = 2 }, 3, 3 },
    { IMAGES(2, 4, 4, 6),
      IMAGES(8, 1, 3, 3),
      true,
      { .stride = { 1, 2 }, .padding = { 1, 1 }, .dilation = { 1, 2 }, .groups = 4 },
      4,
      2 },
    { IMAGES(2, 1, 4, 5), IMAGES(2, 1, 2, 4), false, { .dilation = { 2, 1 }, .same = true }, 4, 5 },
    { IMAGES(2, 2, 3, 3), IMAGES(2, 2, 1, 1), true, { .stride = { 2, 2 }, .padding = { 3, 3 } }, 5, 5 },
    { IMAGES(3, 2, 9, 27), IMAGES(3, 2, 3, 4), true, { .stride = { 2, 2 }, .padding = { 1, 1 } }, 5, 13 },
    { IMAGES(2, 2, 2, 4), IMAGES(3, 2, 2, 2), true, { .groups = 1 }, 1, 3 },
    { IMAGES(41, 2, 6, 6), IMAGES(4, 1, 3, 3), true, { .padding = { 1, 1 }, .groups = 2 }, 6, 6 },
    { IMAGES(3, 2, 12, 13), IMAGES(4, 1, 2, 2), true, { .groups = 2 }, 11, 12 },
    { IMAGES(2, 1, 3, 31), IMAGES(2, 1, 2, 3), true, { .stride = { 1, 3 }, .padding = { 0, 2 } }, 2, 11 },
    { IMAGES(0, 2, 3, 3), IMAGES(2, 2, 2, 2), true, { .groups = 1 }, 2, 2 },
    { IMAGES(2, 0, 3, 3), IMAGES(2, 0, 2, 2), true, { .groups = 1 }, 2, 2 },
    { IMAGES(2, 0, 3, 3), IMAGES(2, 0, 2, 2), false, { .groups = 1 }, 2, 2 },
    { IMAGES(2, 0, 13, 13), IMAGES(2, 0, 2, 2), false, { .groups = 1 }, 12, 12 },
};

static double convolved(const convolution *c, tap_var x, tap_var w, int64_t n, int64_t o, int64_t row, int64_t column)
{
    const int64_t g = or_1(c->o.groups), in = c->weight.n[1], first = o / (c->weight.n[0] / g) * in;
    double        sum = 0;
    for (int64_t i = 0; i < in; i++) {
        for (int64_t k = 0; k < c->weight.n[2]; k++) {
            for (int64_t l = 0; l < c->weight.n[3]; l++) {
                int64_t dy = or_1(c->o.dilation[0]), dx = or_1(c->o.dilation[1]);
                int64_t up = c->o.same ? dy * (c->weight.n[2] - 1) / 2 : c->o.padding[0];
                int64_t left = c->o.same ? dx * (c->weight.n[3] - 1) / 2 : c->o.padding[1];
                int64_t y = row * or_1(c->o.stride[0]) - up + k * dy, z = column * or_1(c->o.stride[1]) - left + l * dx;
                bool    inside = y >= 0 && y < c->x.n[2] && z >= 0 && z < c->x.n[3];
                if (inside) sum += item_at(x, n, first + i, y, z) * item_at(w, o, i, k, l);
            }
        }
    }
    return sum;
}

static void check_convolution(const convolution *c)
{
    tap_var   x = tap_randn(t, c->x), w = tap_randn(t, c->weight), b = tap_randn(t, TAP_SHAPE(c->weight.n[0]));
    tap_shape s = TAP_SHAPE(c->x.n[0], c->weight.n[0], c->height, c->width);
    tap_var   y = tap_conv2d(x, w, c->bias ? b : NOTHING, c->o);
    double   *want = calloc((size_t)tap_numel(s) + 1, sizeof *want);
    assert_non_null(want);
    for (int64_t i = 0; i < tap_numel(s); i++) {
        int64_t o = i / (s.n[2] * s.n[3]) % s.n[1];
        want[i] = convolved(c, x, w, i / (s.n[1] * s.n[2] * s.n[3]), o, i / s.n[3] % s.n[2], i % s.n[3]);
        if (c->bias) want[i] += tap_tensor_item(tap_value(b), o);
    }
    expect(y, s, want, c->x.n[1] == 0 ? 0 : tolerance()); /* no terms, no rounding */
    free(want);
}

/* conv_transpose is the adjoint of conv: sum(y conv(x)) = sum(x conv_transpose(y)). */
static void check_adjoint(const convolution *c)
{
    const int64_t    size[2] = { c->height, c->width };
    tap_conv_options o = c->o;
    if (o.same || c->x.n[0] == 0 || c->x.n[1] == 0) return;
    for (int i = 0; i < 2; i++) {
        int64_t back =
            (size[i] - 1) * or_1(o.stride[i]) - 2 * o.padding[i] + or_1(o.dilation[i]) * (c->weight.n[2 + i] - 1) + 1;
        o.output_padding[i] = c->x.n[2 + i] - back;
    }
    tap_var x = tap_randn(t, c->x), w = tap_randn(t, c->weight),
            y = tap_randn(t, TAP_SHAPE(c->x.n[0], c->weight.n[0], c->height, c->width));
    tap_var back = tap_conv_transpose2d(y, w, NOTHING, o);
    assert_true(tap_shape_equal(tap_shape_of(back), c->x));
    double there = tap_item(tap_sum(tap_mul(y, tap_conv2d(x, w, NOTHING, c->o)), TAP_ALL));
    double again = tap_item(tap_sum(tap_mul(x, back), TAP_ALL));
    if (!(fabs(there - again) <= 50 * tolerance())) fail_msg("%.17g is not %.17g", there, again);
}

static void test_convolutions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof convolutions / sizeof *convolutions; i++) {
        for (int k = 0; k < 2; k++) {
            begin(k ? TAP_F64 : TAP_F32);
            check_convolution(&convolutions[i]);
            check_adjoint(&convolutions[i]);
            end();
        }
    }
}

/* A convolution over one axis equals one over two axes, the first of size 1; one image equals a batch of one. */
static void test_one_axis_equals_two_axes(void **state)
{
    (void)state;
    begin(TAP_F64);
    tap_conv_options o1 = { .stride = { 2 }, .padding = { 1 }, .dilation = { 2 }, .groups = 2 };
    tap_conv_options o2 = { .stride = { 1, 2 }, .padding = { 0, 1 }, .dilation = { 1, 2 }, .groups = 2 };
    tap_var          x = tap_randn(t, TAP_SHAPE(3, 4, 9)), w = tap_randn(t, TAP_SHAPE(4, 2, 3)), b = tap_randn(t, TAP_SHAPE(4));
    tap_var          wide = tap_unsqueeze(x, 2), w2 = tap_unsqueeze(w, 2), b8 = tap_randn(t, TAP_SHAPE(4));
    tap_var          y = tap_conv1d(x, w, b, o1), y2 = tap_squeeze(tap_conv2d(wide, w2, b, o2), TAP_AXES(2));
    assert_true(tap_shape_equal(tap_shape_of(y), TAP_SHAPE(3, 4, 4)));
    assert_true(tap_item(tap_all(tap_eq(y, y2), TAP_ALL)) == 1);
    tap_var single = tap_conv1d(tap_select(x, 0, 1), w, b, o1);
    assert_true(tap_shape_equal(tap_shape_of(single), TAP_SHAPE(4, 4)));
    assert_true(tap_item(tap_all(tap_eq(single, tap_select(y, 0, 1)), TAP_ALL)) == 1);
    o1.output_padding[0] = o2.output_padding[1] = 1;
    y = tap_conv_transpose1d(x, w, b8, o1);
    y2 = tap_squeeze(tap_conv_transpose2d(wide, w2, b8, o2), TAP_AXES(2));
    assert_true(tap_shape_equal(tap_shape_of(y), TAP_SHAPE(3, 4, 20)));
    assert_true(tap_item(tap_all(tap_eq(y, y2), TAP_ALL)) == 1);
    assert_true(tap_item(tap_all(tap_eq(tap_conv_transpose1d(tap_select(x, 0, 2), w, b8, o1), tap_select(y, 0, 2)), TAP_ALL)) ==
                1);
    expect(tap_conv_transpose1d(floats(TAP_SHAPE(1, 2), D(1, 2)), floats(TAP_SHAPE(1, 1, 3), D(1, 10, 100)),
                                floats(TAP_SHAPE(1), D(0.5)), (tap_conv_options){ .stride = { 2 } }),
           TAP_SHAPE(1, 5), D(1.5, 10.5, 102.5, 20.5, 200.5), 0);
    /* The padding crops all products; only the zeros of output_padding are left. */
    expect(tap_conv_transpose1d(floats(TAP_SHAPE(1, 1), D(7)), floats(TAP_SHAPE(1, 1, 1), D(1)), NOTHING,
                                (tap_conv_options){ .stride = { 10 }, .padding = { 2 }, .output_padding = { 9 } }),
           TAP_SHAPE(1, 6), D(0, 0, 0, 0, 0, 0), 0);
    end();
}

/* ---- Layers of convolutions ---- */

/* PyTorch's initial values: uniform within 1 / sqrt(fan_in), fan_in being the elements of weight[0]. */
static void expect_uniform(const tap_param *p, tap_shape shape, double fan_in)
{
    double max = 0;
    assert_true(tap_shape_equal(tap_param_value(p).shape, shape));
    for (int64_t i = 0; i < tap_numel(shape); i++) max = fmax(max, fabs(tap_tensor_item(tap_param_value(p), i)));
    assert_true(max * sqrt(fan_in) <= 1 && max * sqrt(fan_in) > 0.7);
}

static void test_convolution_layers(void **state)
{
    (void)state;
    begin(TAP_F64);
    tap_conv         there, back, all;
    tap_module      *m = tap_module_new(TAP_F64, 3);
    tap_conv_options o = { .stride = { 2, 1 }, .padding = { 1, 0 }, .groups = 2 };
    memset(&there, 1, sizeof there); /* whatever was there before */
    memset(&back, 0, sizeof back);
    tap_conv_init(&there, m, "there", 4, 6, 3, o);
    tap_conv_transpose_init(&back, m, "back", 6, 8, 3, o);
    tap_conv_init(&all, m, "all", 1, 9, 1, (tap_conv_options){ 0 });
    expect_uniform(there.weight, TAP_SHAPE(6, 2, 3, 3), 2 * 3 * 3);
    expect_uniform(there.bias, TAP_SHAPE(6), 2 * 3 * 3);
    expect_uniform(back.weight, TAP_SHAPE(6, 4, 3, 3), 4 * 3 * 3);
    expect_uniform(back.bias, TAP_SHAPE(8), 4 * 3 * 3);
    expect_uniform(all.weight, TAP_SHAPE(9, 1, 1, 1), 1);
    assert_string_equal(tap_param_path(back.bias), "back.bias");
    assert_int_equal(tap_module_status(m, NULL), TAP_OK);
    tap_var x = tap_randn(t, TAP_SHAPE(2, 4, 5, 6)), y = tap_conv_forward(&there, x), z = tap_conv_forward(&back, y);
    tap_var same = tap_conv2d(x, tap_param_var(t, there.weight), tap_param_var(t, there.bias), o);
    tap_var again = tap_conv_transpose2d(y, tap_param_var(t, back.weight), tap_param_var(t, back.bias), o);
    assert_true(tap_shape_equal(tap_shape_of(y), TAP_SHAPE(2, 6, 3, 4)));
    assert_true(tap_shape_equal(tap_shape_of(z), TAP_SHAPE(2, 8, 5, 6)));
    assert_true(tap_item(tap_all(tap_eq(y, same), TAP_ALL)) == 1 && tap_item(tap_all(tap_eq(z, again), TAP_ALL)) == 1);
    end();
    tap_module_free(m);
}

/* ---- Pooling ---- */

typedef struct {
    int64_t          height, width;
    tap_pool_options o;
    int64_t          down, across; /* windows */
} pooling;

static const pooling poolings[] = {
    { 4, 5, { .kernel = { 2, 2 } }, 2, 2 },
    { 4, 5, { .kernel = { 2, 2 }, .ceil_mode = true }, 2, 3 },
    { 5, 7, { .kernel = { 3, 2 }, .stride = { 1, 3 }, .padding = { 1, 1 } }, 5, 3 },
    { 5, 6, { .kernel = { 3, 4 }, .stride = { 2, 3 }, .padding = { 1, 2 }, .ceil_mode = true }, 3, 3 },
    { 2, 2, { .kernel = { 2, 2 }, .stride = { 2, 2 }, .padding = { 1, 1 }, .ceil_mode = true }, 2, 2 },
    { 3, 2, { .kernel = { 4, 3 }, .stride = { 4, 9 }, .ceil_mode = true }, 1, 1 },
    { 3, 4, { .kernel = { 1, 2 }, .stride = { 3, 5 }, .padding = { 0, 1 }, .ceil_mode = true }, 1, 1 },
};

/* A window: its sum and maximum, the number of its elements in the image and in the padding, and the index of the maximum. */
typedef struct {
    double  sum, max;
    int64_t inside, padding, index_of_max;
} window;

static window window_at(const pooling *p, tap_var x, int64_t plane, int64_t row, int64_t column, const int64_t dilation[2])
{
    const tap_pool_options *o = &p->o;
    window                  w = { .max = -INF, .index_of_max = -1 };
    for (int64_t k = 0; k < o->kernel[0]; k++) {
        for (int64_t l = 0; l < o->kernel[1]; l++) {
            int64_t y = row * (o->stride[0] ? o->stride[0] : o->kernel[0]) - o->padding[0] + k * dilation[0];
            int64_t z = column * (o->stride[1] ? o->stride[1] : o->kernel[1]) - o->padding[1] + l * dilation[1];
            if (y >= p->height + o->padding[0] || z >= p->width + o->padding[1]) continue;
            w.padding++;
            if (y < 0 || y >= p->height || z < 0 || z >= p->width) continue;
            double value = item_at(x, plane / 2, plane % 2, y, z);
            w.padding--;
            w.inside++;
            w.sum += value;
            if (w.index_of_max < 0 || value > w.max) {
                w.max = value;
                w.index_of_max = y * p->width + z;
            }
        }
    }
    return w;
}

enum { MAX_VALUE, MAX_INDEX, MEAN, INSIDE, DIVIDED, KINDS };

static void check_pooling(const pooling *p, const int64_t dilation[2])
{
    tap_var          x = tap_randn(t, TAP_SHAPE(2, 2, p->height, p->width)), index;
    tap_shape        s = TAP_SHAPE(2, 2, p->down, p->across);
    double           want[KINDS][128];
    tap_pool_options o = p->o;
    assert_true(tap_numel(s) <= 128);
    for (int64_t i = 0; i < tap_numel(s); i++) {
        int64_t plane = i / (p->down * p->across), row = i / p->across % p->down, column = i % p->across;
        window  m = window_at(p, x, plane, row, column, dilation);
        want[MAX_VALUE][i] = m.max;
        want[MAX_INDEX][i] = (double)m.index_of_max;
        want[MEAN][i] = m.sum / (double)(m.inside + m.padding);
        want[INSIDE][i] = m.sum / (double)m.inside;
        want[DIVIDED][i] = m.sum / -7;
    }
    memcpy(o.dilation, dilation, sizeof o.dilation);
    expect(tap_max_pool2d(x, o, &index), s, want[MAX_VALUE], 0);
    expect(index, s, want[MAX_INDEX], 0);
    if (dilation[0] != 1) return;
    expect(tap_avg_pool2d(x, o), s, want[MEAN], tolerance());
    o.exclude_pad = true;
    expect(tap_avg_pool2d(x, o), s, want[INSIDE], tolerance());
    o.divisor = -7;
    expect(tap_avg_pool2d(x, o), s, want[DIVIDED], tolerance());
}

static void test_pooling(void **state)
{
    static const pooling dilated = {
        7, 8, { .kernel = { 3, 2 }, .stride = { 2, 1 }, .padding = { 1, 1 }, .ceil_mode = true }, 3, 7
    };
    (void)state;
    for (int k = 0; k < 2; k++) {
        begin(k ? TAP_F64 : TAP_F32);
        for (size_t i = 0; i < sizeof poolings / sizeof *poolings; i++) check_pooling(&poolings[i], (const int64_t[]){ 1, 1 });
        check_pooling(&dilated, (const int64_t[]){ 2, 3 });
        end();
    }
}

static void test_max_pool_of_padding_and_nan(void **state)
{
    const tap_pool_options o = { .kernel = { 2, 2 }, .padding = { 1, 1 }, .stride = { 1, 1 } }, pairs = { .kernel = { 1, 2 } };
    const tap_pool_options apart = { .kernel = { 1, 3 }, .padding = { 0, 1 }, .stride = { 1, 1 }, .dilation = { 1, 2 } };
    tap_var                index;
    (void)state;
    begin(TAP_F64);
    tap_max_pool2d(floats(TAP_SHAPE(1, 2, 2), D(-INF, -INF, -INF, -INF)), o, &index);
    expect(index, TAP_SHAPE(1, 3, 3), D(0, 0, 1, 0, 0, 1, 2, 2, 3), 0);
    tap_max_pool2d(tap_full(t, TAP_SHAPE(1, 1, 4), -INF), apart, &index);
    expect(index, TAP_SHAPE(1, 1, 2), D(1, 0), 0);
    expect(tap_max_pool2d(floats(TAP_SHAPE(1, 1, 6), D(1, NAN_, 3, 3, -INF, 2)), pairs, &index), TAP_SHAPE(1, 1, 3),
           D(NAN_, 3, 2), 0);
    expect(index, TAP_SHAPE(1, 1, 3), D(1, 2, 5), 0);
    assert_true(tap_shape_equal(tap_shape_of(tap_max_pool2d(tap_zeros(t, TAP_SHAPE(0, 3, 4, 4)), pairs, &index)),
                                TAP_SHAPE(0, 3, 4, 2)));
    assert_true(tap_shape_equal(tap_shape_of(index), TAP_SHAPE(0, 3, 4, 2)));
    assert_true(
        tap_shape_equal(tap_shape_of(tap_avg_pool2d(tap_zeros(t, TAP_SHAPE(0, 3, 4, 4)), pairs)), TAP_SHAPE(0, 3, 4, 2)));
    end();
}

static void test_adaptive_means(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        begin(k ? TAP_F64 : TAP_F32);
        tap_var row = floats(TAP_SHAPE(1, 1, 5), D(1, 2, 4, 8, INF)), x = count(TAP_SHAPE(1, 2, 4, 6));
        expect(tap_adaptive_avg_pool2d(row, 0, 3), TAP_SHAPE(1, 1, 3), D(1.5, 14.0 / 3, INF), tolerance());
        expect(tap_adaptive_avg_pool2d(row, 2, 7), TAP_SHAPE(1, 2, 7), D(1, 1.5, 3, 4, 6, INF, INF, 1, 1.5, 3, 4, 6, INF, INF),
               tolerance());
        expect(tap_adaptive_avg_pool2d(x, 2, 2), TAP_SHAPE(1, 2, 2, 2), D(4, 7, 16, 19, 28, 31, 40, 43), tolerance());
        expect(tap_adaptive_avg_pool2d(x, 1, 4), TAP_SHAPE(1, 2, 1, 4), D(9.5, 10.5, 12.5, 13.5, 33.5, 34.5, 36.5, 37.5),
               3 * tolerance());
        expect(tap_adaptive_avg_pool2d(row, 0, 0), TAP_SHAPE(1, 1, 5), D(1, 2, 4, 8, INF), 0);
        end();
    }
}

/* ---- Padding ---- */

#define PAD(x, mode, value, ...) \
    tap_pad(x, (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), (const int64_t[]){ __VA_ARGS__ }, mode, value)

static void test_pad(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        begin(k ? TAP_F64 : TAP_F32);
        tap_var x = floats(TAP_SHAPE(2, 3), D(1, NAN_, 3, 4, 5, INF)), row = count(TAP_SHAPE(1, 4));
        expect(PAD(x, TAP_PAD_CONSTANT, 7, 1, -1, 0, 1), TAP_SHAPE(3, 3), D(7, 1, NAN_, 7, 4, 5, 7, 7, 7), 0);
        expect(PAD(x, TAP_PAD_CONSTANT, 0, 1, 0), TAP_SHAPE(2, 4), D(0, 1, NAN_, 3, 0, 4, 5, INF), 0);
        expect(PAD(x, TAP_PAD_CONSTANT, -INF, -3, 1), TAP_SHAPE(2, 1), D(-INF, -INF), 0);
        expect(PAD(x, TAP_PAD_CONSTANT, NAN_, -2, 1), TAP_SHAPE(2, 2), D(3, NAN_, INF, NAN_), 0);
        expect(PAD(row, TAP_PAD_REFLECT, 9, 3, 2), TAP_SHAPE(1, 9), D(3, 2, 1, 0, 1, 2, 3, 2, 1), 0);
        expect(PAD(row, TAP_PAD_REFLECT, 9, -2, 3), TAP_SHAPE(1, 5), D(2, 3, 2, 1, 0), 0);
        expect(PAD(row, TAP_PAD_REPLICATE, 9, 2, 1), TAP_SHAPE(1, 7), D(0, 0, 0, 1, 2, 3, 3), 0);
        expect(PAD(row, TAP_PAD_REPLICATE, 9, -6, 4), TAP_SHAPE(1, 2), D(3, 3), 0);
        expect(PAD(row, TAP_PAD_CIRCULAR, 9, 2, 4), TAP_SHAPE(1, 10), D(2, 3, 0, 1, 2, 3, 0, 1, 2, 3), 0);
        expect(PAD(row, TAP_PAD_CIRCULAR, 9, 4, 0), TAP_SHAPE(1, 8), D(0, 1, 2, 3, 0, 1, 2, 3), 0);
        expect(PAD(row, TAP_PAD_REPLICATE, 9, -3, 0), TAP_SHAPE(1, 1), D(3), 0);
        expect(PAD(count(TAP_SHAPE(1, 1)), TAP_PAD_REPLICATE, 9, 1, 1), TAP_SHAPE(1, 3), D(0, 0, 0), 0);
        expect(PAD(row, TAP_PAD_CONSTANT, 0, -3, -1), TAP_SHAPE(1, 0), D(0), 0);
        expect(PAD(count(TAP_SHAPE(1, 2, 1)), TAP_PAD_CONSTANT, 0, 0, 0, 0, 1, 0, 0), TAP_SHAPE(1, 3, 1), D(0, 1, 0), 0);
        expect(PAD(count(TAP_SHAPE(1, 1)), TAP_PAD_CIRCULAR, 9, 1, 1), TAP_SHAPE(1, 3), D(0, 0, 0), 0);
        expect(PAD(count(TAP_SHAPE(1, 1, 2)), TAP_PAD_REPLICATE, 9, 1, 0, 0, 0), TAP_SHAPE(1, 1, 3), D(0, 0, 1), 0);
        expect(PAD(count(TAP_SHAPE(1, 1, 2)), TAP_PAD_REPLICATE, 9, 0, 1, 0, 0), TAP_SHAPE(1, 1, 3), D(0, 1, 1), 0);
        expect(PAD(count(TAP_SHAPE(1, 2, 1)), TAP_PAD_REPLICATE, 9, 0, 0, 0, 1), TAP_SHAPE(1, 3, 1), D(0, 1, 1), 0);
        expect(PAD(count(TAP_SHAPE(1, 1, 2, 1)), TAP_PAD_REPLICATE, 9, 0, 0, 0, 1, 0, 0), TAP_SHAPE(1, 1, 3, 1), D(0, 1, 1), 0);
        expect(PAD(count(TAP_SHAPE(1, 2)), TAP_PAD_CONSTANT, 0, 1, 0, 0, 0), TAP_SHAPE(1, 3), D(0, 0, 1), 0);
        expect(PAD(row, TAP_PAD_CIRCULAR, 9, 2, -1), TAP_SHAPE(1, 5), D(1, 2, 0, 1, 2), 0);
        expect(PAD(row, TAP_PAD_CIRCULAR, 9, -1, 3), TAP_SHAPE(1, 6), D(1, 2, 3, 1, 2, 3), 0);
        expect(PAD(count(TAP_SHAPE(1, 2, 2)), TAP_PAD_REFLECT, 9, 0, 1, 1, 0), TAP_SHAPE(1, 3, 3), D(2, 3, 2, 0, 1, 0, 2, 3, 2),
               0);
        expect(PAD(tap_zeros(t, TAP_SHAPE(0, 3, 2)), TAP_PAD_CIRCULAR, 0, 1, 1), TAP_SHAPE(0, 3, 4), D(0), 0);
        expect(PAD(tap_zeros(t, TAP_SHAPE(0, 2)), TAP_PAD_CONSTANT, 3, 0, 0, 1, 0), TAP_SHAPE(1, 2), D(3, 3), 0);
        expect(PAD(tap_arange(t, 2), TAP_PAD_CONSTANT, -1, 1, 1), TAP_SHAPE(4), D(-1, 0, 1, -1), 0);
        expect(tap_pad(row, 0, NULL, TAP_PAD_CONSTANT, 1), TAP_SHAPE(1, 4), D(0, 1, 2, 3), 0);
        expect(PAD(row, TAP_PAD_CONSTANT, 1, 1, 2), TAP_SHAPE(1, 7), D(1, 0, 1, 2, 3, 1, 1), 0);
        end();
    }
}

/* ---- Resolution ---- */

#define TO(x, ...) tap_interpolate(x, (tap_interpolate_options){ __VA_ARGS__ })

static void test_interpolate(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        begin(k ? TAP_F64 : TAP_F32);
        tap_var x = floats(TAP_SHAPE(1, 1, 4), D(0, 1, 2, 10)), image = floats(TAP_SHAPE(1, 1, 2, 2), D(0, 4, 8, 12));
        expect(TO(x, .size = { 6 }), TAP_SHAPE(1, 1, 6), D(0, 0, 1, 2, 2, 10), 0);
        expect(TO(x, .size = { 6 }, .mode = TAP_INTERPOLATE_NEAREST_EXACT), TAP_SHAPE(1, 1, 6), D(0, 1, 1, 2, 10, 10), 0);
        expect(TO(x, .size = { 3 }), TAP_SHAPE(1, 1, 3), D(0, 1, 2), 0);
        /* floor(1.6 * 4) = 6: steps are 1/1.6, or 4/6 when recomputed */
        expect(TO(x, .scale = { 1.6 }), TAP_SHAPE(1, 1, 6), D(0, 0, 1, 1, 2, 10), 0);
        expect(TO(x, .scale = { 1.6 }, .recompute_scale = true), TAP_SHAPE(1, 1, 6), D(0, 0, 1, 2, 2, 10), 0);
        expect(TO(x, .size = { 2 }, .mode = TAP_INTERPOLATE_LINEAR), TAP_SHAPE(1, 1, 2), D(0.5, 6), 0);
        /* Steps of 1.25 by the scale, even to a size that is nearer to 4/3. The same size: linear as it is, else by the
         * scale. */
        expect(TO(x, .scale = { 0.8 }, .mode = TAP_INTERPOLATE_LINEAR), TAP_SHAPE(1, 1, 3), D(0.125, 1.375, 7), tolerance());
        expect(TO(x, .scale = { 1.2 }, .mode = TAP_INTERPOLATE_LINEAR), TAP_SHAPE(1, 1, 4), D(0, 1, 2, 10), 0);
        expect(TO(x, .scale = { 1.2 }), TAP_SHAPE(1, 1, 4), D(0, 0, 1, 2), 0);
        expect(TO(image, .scale = { 2, 1.5 }), TAP_SHAPE(1, 1, 4, 3), D(0, 0, 4, 0, 0, 4, 8, 8, 12, 8, 8, 12), 0);
        /* The middle of each of two hundred: 100 of 0..199, and of all 400 the one at 200. */
        expect(TO(count(TAP_SHAPE(1, 1, 400)), .size = { 2 }, .mode = TAP_INTERPOLATE_NEAREST_EXACT), TAP_SHAPE(1, 1, 2),
               D(100, 300), 0);
        expect(TO(count(TAP_SHAPE(1, 1, 400)), .size = { 1 }, .mode = TAP_INTERPOLATE_NEAREST_EXACT), TAP_SHAPE(1, 1, 1),
               D(200), 0);
        expect(TO(count(TAP_SHAPE(1, 1, 2, 2, 1)), .size = { 3, 2, 2 }, .mode = TAP_INTERPOLATE_LINEAR),
               TAP_SHAPE(1, 1, 3, 2, 2), D(0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3), tolerance());
        /* 41 * 2 / 82 is 1, and just below 1 with a float's 2 / 82. */
        tap_var half = TO(count(TAP_SHAPE(1, 1, 2)), .size = { 82 });
        assert_true(item_at(tap_unsqueeze(half, 0), 0, 0, 0, 41) == k && item_at(tap_unsqueeze(half, 0), 0, 0, 0, 42) == 1);
        expect(TO(x, .size = { 8 }, .mode = TAP_INTERPOLATE_LINEAR), TAP_SHAPE(1, 1, 8), D(0, 0.25, 0.75, 1.25, 1.75, 4, 8, 10),
               0);
        expect(TO(x, .size = { 7 }, .mode = TAP_INTERPOLATE_LINEAR, .align_corners = true), TAP_SHAPE(1, 1, 7),
               D(0, 0.5, 1, 1.5, 2, 6, 10), tolerance());
        expect(TO(x, .size = { 1 }, .mode = TAP_INTERPOLATE_LINEAR, .align_corners = true), TAP_SHAPE(1, 1, 1), D(0), 0);
        expect(TO(image, .size = { 4, 1 }, .mode = TAP_INTERPOLATE_LINEAR), TAP_SHAPE(1, 1, 4, 1), D(2, 4, 8, 10), 0);
        expect(TO(image, .size = { 3, 3 }, .mode = TAP_INTERPOLATE_LINEAR, .align_corners = true), TAP_SHAPE(1, 1, 3, 3),
               D(0, 2, 4, 4, 6, 8, 8, 10, 12), 0);
        expect(TO(image, .size = { 1, 1 }, .mode = TAP_INTERPOLATE_BICUBIC), TAP_SHAPE(1, 1, 1, 1), D(6), tolerance());
        expect(TO(image, .size = { 3, 2 }, .mode = TAP_INTERPOLATE_BICUBIC, .align_corners = true), TAP_SHAPE(1, 1, 3, 2),
               D(0, 4, 4, 8, 8, 12), tolerance());
        expect(TO(x, .size = { 3 }, .mode = TAP_INTERPOLATE_AREA), TAP_SHAPE(1, 1, 3), D(0.5, 1.5, 6), tolerance());
        expect(TO(tap_zeros(t, TAP_SHAPE(0, 2, 2)), .size = { 3 }, .mode = TAP_INTERPOLATE_AREA), TAP_SHAPE(0, 2, 3), D(0), 0);
        end();
    }
}

/* On so long an axis the position in float of the last element is rounded up to one beyond the axis. */
static void test_interpolate_axis_beyond_float_precision(void **state)
{
    (void)state;
    begin(TAP_F32);
    tap_var x = tap_expand(tap_add_scalar(count(TAP_SHAPE(1, 1, 1)), 3), TAP_SHAPE(1, 1, (1 << 24) + 4));
    expect(TO(x, .size = { 2 }, .mode = TAP_INTERPOLATE_LINEAR, .align_corners = true), TAP_SHAPE(1, 1, 2), D(3, 3), 0);
    end();
}

static void test_pixel_shuffle(void **state)
{
    (void)state;
    begin(TAP_F64);
    tap_var x = count(TAP_SHAPE(4, 1, 2)), y = tap_pixel_shuffle(x, 2), many = count(TAP_SHAPE(2, 3, 18, 2, 1));
    expect(y, TAP_SHAPE(1, 2, 4), D(0, 2, 1, 3, 4, 6, 5, 7), 0);
    expect(tap_pixel_unshuffle(y, 2), TAP_SHAPE(4, 1, 2), D(0, 1, 2, 3, 4, 5, 6, 7), 0);
    y = tap_pixel_shuffle(many, 3);
    assert_true(tap_shape_equal(tap_shape_of(y), TAP_SHAPE(2, 3, 2, 6, 3)));
    assert_true(tap_item(tap_all(tap_eq(tap_pixel_unshuffle(y, 3), many), TAP_ALL)) == 1);
    assert_true(
        tap_shape_equal(tap_shape_of(tap_pixel_shuffle(tap_zeros(t, TAP_SHAPE(1, 0, 1, 1)), 2)), TAP_SHAPE(1, 0, 2, 2)));
    assert_true(
        tap_shape_equal(tap_shape_of(tap_pixel_unshuffle(tap_zeros(t, TAP_SHAPE(1, 1, 0, 2)), 2)), TAP_SHAPE(1, 4, 0, 1)));
    end();
}

/* Sizes whose bytes overflow are refused before memory is requested: of im2col columns, and of a padded image. */
static int64_t reflected(int64_t i, int64_t n)
{
    return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i;
}

/* The product of two 1-D kernels, a single pixel, and one, several and no images. */
static void test_gaussian_blur(void **state)
{
    enum { N = 2, H = 4, W = 5, R = 2 };
    (void)state;
    for (int dtype = 0; dtype < 2; dtype++) {
        begin(dtype ? TAP_F64 : TAP_F32);
        double x[N * H * W], want[N * H * W] = { 0 }, sum = 0;
        for (int i = 0; i < N * H * W; i++) x[i] = sin(i * i);
        for (int d = -R; d <= R; d++) sum += exp(-d * d / (2 * 1.3 * 1.3));
        for (int i = 0; i < N * H * W; i++)
            for (int k = 0; k < (2 * R + 1) * (2 * R + 1); k++) {
                const int     down = k / (2 * R + 1) - R, right = k % (2 * R + 1) - R;
                const int64_t row = reflected(i / W % H + down, H), column = reflected(i % W + right, W);
                want[i] += exp(-(down * down + right * right) / (2 * 1.3 * 1.3)) / (sum * sum) *
                           x[(i / (H * W) * H + row) * W + column];
            }
        expect(tap_gaussian_blur(floats(TAP_SHAPE(N, H, W), x), 5, 1.3), TAP_SHAPE(N, H, W), want, tolerance());
        expect(tap_gaussian_blur(floats(TAP_SHAPE(H, W), x), 5, 1.3), TAP_SHAPE(H, W), want, tolerance());
        expect(tap_gaussian_blur(floats(TAP_SHAPE(1, N, 1, H, W), x), 5, 1.3), TAP_SHAPE(1, N, 1, H, W), want, tolerance());
        expect(tap_gaussian_blur(floats(TAP_SHAPE(H, W), x), 1, 0.1), TAP_SHAPE(H, W), x, tolerance());
        assert_true(
            tap_shape_equal(tap_shape_of(tap_gaussian_blur(tap_zeros(t, TAP_SHAPE(0, H, W)), 3, 1)), TAP_SHAPE(0, H, W)));
        end();
    }
}

static void test_convolutions_too_large_for_memory(void **state)
{
    (void)state;
    static const struct {
        tap_shape        x, w;
        tap_conv_options o;
    } rows[] = {
        { { 4, { 1, 1 << 20, 1 << 19, 1 << 19 } }, { 4, { 1, 1 << 20, 2, 2 } }, { .groups = 1 } },
        { { 4, { 1, 1, 1, 1 } },
          { 4, { 1, 1, 2, 2 } },
          { .padding = { 1 << 30, 1 << 30 }, .dilation = { INT32_MAX, INT32_MAX } } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *message;
        begin(TAP_F32);
        tap_var one = tap_scalar(t, 1);
        assert_int_equal(tap_conv2d(tap_expand(one, rows[i].x), tap_expand(one, rows[i].w), NOTHING, rows[i].o).id, 0);
        if (tap_tape_status(t, &message) != TAP_ESHAPE || !strstr(message, "the sizes are too large")) fail_msg("%s", message);
        tap_tape_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_one_axis_equals_two_axes),
        cmocka_unit_test(test_convolution_layers),
        cmocka_unit_test(test_pooling),
        cmocka_unit_test(test_max_pool_of_padding_and_nan),
        cmocka_unit_test(test_adaptive_means),
        cmocka_unit_test(test_pad),
        cmocka_unit_test(test_interpolate),
        cmocka_unit_test(test_interpolate_axis_beyond_float_precision),
        cmocka_unit_test(test_pixel_shuffle),
        cmocka_unit_test(test_gaussian_blur),
        cmocka_unit_test(test_convolutions_too_large_for_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

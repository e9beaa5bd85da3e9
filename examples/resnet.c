/* examples/resnet.c: a residual network (He et al. 2016) learns to read MNIST's digits: batch normalization, randomly shifted
 * images, a schedule of the learning rate, weight decay for the weights of convolutions and of the output alone.
 * usage: resnet [FOLDER [SEED]]   the folder with MNIST's files [~/.cache/tapestry/mnist], the seed of all randomness [0] */
#include <nn/nn.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLASSES = 10, BATCH = 100, EPOCHS = 6, BLOCKS = 4 };

typedef struct {
    tap_conv             conv;
    tap_batch_norm_layer bn;
} conv_bn;

/* relu(second(relu(first(x))) + x); where the shape changes, x is projected to that of the sum. */
typedef struct {
    conv_bn first, second, projection;
} block;

typedef struct {
    conv_bn    first;
    block      blocks[BLOCKS];
    tap_linear out;
} resnet;

static void conv_bn_init(conv_bn *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel, int64_t stride)
{
    const tap_conv_options o = { .stride = { stride, stride }, .padding = { kernel / 2, kernel / 2 }, .no_bias = true };
    tap_module            *c = tap_module_child(m, name);
    tap_conv_init(&l->conv, c, "conv", in, out, kernel, o);
    tap_batch_norm_init(&l->bn, c, "bn", out, (tap_batch_norm_options){ 0 });
}

static tap_var conv_bn_forward(const conv_bn *l, tap_var x)
{
    return tap_batch_norm_forward(&l->bn, tap_conv_forward(&l->conv, x));
}

static tap_var block_forward(const block *b, tap_var x)
{
    tap_var y = conv_bn_forward(&b->second, tap_relu(conv_bn_forward(&b->first, x)));
    return tap_relu(tap_add(y, b->projection.conv.weight ? conv_bn_forward(&b->projection, x) : x));
}

static void resnet_init(resnet *r, tap_module *root)
{
    static const char *const names[BLOCKS] = { "block1", "block2", "block3", "block4" };
    static const int64_t     channels[BLOCKS + 1] = { 16, 16, 32, 32, 64 }, stride[BLOCKS] = { 1, 2, 1, 2 };
    conv_bn_init(&r->first, root, "first", 1, channels[0], 3, 2);
    for (int i = 0; i < BLOCKS; i++) {
        block      *b = &r->blocks[i];
        tap_module *m = tap_module_child(root, names[i]);
        conv_bn_init(&b->first, m, "first", channels[i], channels[i + 1], 3, stride[i]);
        conv_bn_init(&b->second, m, "second", channels[i + 1], channels[i + 1], 3, 1);
        if (stride[i] > 1) conv_bn_init(&b->projection, m, "projection", channels[i], channels[i + 1], 1, stride[i]);
    }
    tap_linear_init(&r->out, root, "out", channels[BLOCKS], CLASSES);
}

static tap_var resnet_forward(const resnet *r, tap_var x) /* [N,28,28] -> logits [N,10] */
{
    tap_var h = tap_relu(conv_bn_forward(&r->first, tap_unsqueeze(x, 1)));
    for (int i = 0; i < BLOCKS; i++) h = block_forward(&r->blocks[i], h);
    return tap_linear_forward(&r->out, tap_mean(h, TAP_AXES(2, 3)));
}

/* Goes through the data once and returns the percentage of images that were read right. Trains if there is an optimizer. */
static double run_epoch(const resnet *r, tap_module *root, tap_tape *tape, tap_loader *data, tap_optim *adam, tap_scheduler *lr)
{
    double     right = 0, n = 0;
    tap_tensor x[2]; /* images and labels */
    (adam ? tap_module_train : tap_module_eval)(root);
    tap_tape_set_recording(tape, adam != NULL);
    for (tap_loader_start(data, tap_loader_epoch(data) + 1); tap_loader_next(data, x); n += (double)x[0].shape.n[0]) {
        tap_tape_reset(tape);
        tap_var logits = resnet_forward(r, tap_input(tape, x[0])), label = tap_input(tape, x[1]);
        if (adam) tap_backward(tap_cross_entropy(logits, label, (tap_var){ 0 }, TAP_NO_INDEX, TAP_REDUCE_MEAN, 0));
        if (adam) tap_optim_step(adam, tape);
        if (adam) tap_scheduler_step(lr);
        right += tap_item(tap_sum(tap_cast(tap_eq(tap_argmax(logits, TAP_LAST), label), TAP_F32), TAP_ALL));
    }
    return 100 * right / n;
}

/* Batches of images and labels, for training shuffled and shifted by up to two pixels. */
static tap_loader *open_data(tap_arena *a, const char *folder, const char *part, bool training, uint64_t seed)
{
    tap_loader_options o = { .batch = BATCH, .shuffle = training, .seed = seed, .prefetch = 1 };
    tap_tensor         arrays[2];
    for (int i = 0; i < 2; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s-%s-ubyte.gz", folder, part, i ? "labels-idx1" : "images-idx3");
        arrays[i] = tap_idx_read(a, path);
    }
    if (training) o.transform[0] = tap_transform_random_crop(2);
    return tap_loader_new_arrays(2, arrays, (tap_field_options[]){ { .as = TAP_FIELD_FLOAT }, { .as = TAP_FIELD_INDEX } }, o);
}

int main(int argc, char **argv)
{
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    const char    *home = getenv("HOME"), *message;
    char           folder[2048];
    tap_arena     *arena = tap_arena_new();
    tap_tape      *tape = tap_tape_new(TAP_F32, seed);
    tap_module    *root = tap_module_new(TAP_F32, seed);
    resnet         r = { .out = { NULL, NULL } };
    snprintf(folder, sizeof folder, "%s%s", argc > 1 ? argv[1] : home ? home : "", argc > 1 ? "" : "/.cache/tapestry/mnist");
    tap_loader *train = open_data(arena, folder, "train", true, seed);
    tap_loader *test = tap_arena_status(arena, NULL) ? NULL : open_data(arena, folder, "t10k", false, seed);
    bool        ok = !tap_loader_status(train, &message) && !tap_loader_status(test, &message);
    const char *hint = tap_arena_status(arena, NULL) ? "; examples/fetch_mnist.sh FOLDER downloads MNIST" : "";
    resnet_init(&r, root);
    tap_optim *adam = tap_adamw_new(root, (tap_adamw_options){ .weight_decay = 0.05 });
    tap_optim_group(adam, tap_is_vector, NULL, (tap_group_options){ .weight_decay = TAP_ZERO });
    const int64_t  steps = EPOCHS * tap_loader_batches(train) + 1;
    tap_scheduler *lr =
        tap_scheduler_new(adam, tap_one_cycle_lr((tap_one_cycle_lr_options){ .max_lr = 1e-2, .total_steps = steps }));
    for (int epoch = 1; ok && epoch <= EPOCHS; epoch++) {
        const double seen = run_epoch(&r, root, tape, train, adam, lr), right = run_epoch(&r, root, tape, test, NULL, NULL);
        printf("epoch %d of %d: reads %.2f %% of training images, %.2f %% of test images\n", epoch, EPOCHS, seen, right);
        fflush(stdout);
        ok = !tap_tape_status(tape, &message) && !tap_loader_status(train, &message);
    }
    if (!ok) fprintf(stderr, "resnet: %s%s\n", *hint ? tap_arena_error(arena)->message : message, hint);
    tap_loader_free(train);
    tap_loader_free(test);
    tap_tape_free(tape);
    tap_module_free(root);
    tap_arena_free(arena);
    return !ok;
}

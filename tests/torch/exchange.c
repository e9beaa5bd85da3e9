/* tests/torch/exchange.c: loads the state dicts that exchange.py has saved with PyTorch into modules of its own, compares their
 * outputs with PyTorch's, and saves the modules for PyTorch. usage: exchange FOLDER */
#include <math.h>
#include <stdio.h>

#include "nn/nn.h"

#define TOLERANCE 1e-9

enum { PATH = 4096 };

/* ---- Models, with the names of exchange.py ---- */

typedef struct {
    tap_conv             conv1, conv2, downsample;
    tap_batch_norm_layer bn1, bn2, downsample_bn;
    bool                 has_downsample;
} block;

typedef struct {
    tap_conv             conv1;
    tap_batch_norm_layer bn1;
    block                blocks[4];
    tap_linear           fc;
} resnet;

typedef struct {
    tap_embedding_layer embedding;
    tap_rnn             lstm;
    tap_linear          out;
} lstm;

typedef struct {
    tap_embedding_layer     embedding;
    tap_param              *position;
    tap_transformer_encoder encoder;
    tap_transformer_decoder decoder;
    tap_linear              out;
} transformer;

typedef union {
    resnet      resnet;
    lstm        lstm;
    transformer transformer;
} model;

static void block_init(block *b, tap_module *layer, const char *name, int64_t in, int64_t out, int64_t stride)
{
    const tap_batch_norm_options defaults = { 0 };
    tap_module                  *m = tap_module_child(layer, name);
    *b = (block){ .has_downsample = stride != 1 || in != out };
    tap_conv_init(&b->conv1, m, "conv1", in, out, 3,
                  (tap_conv_options){ .stride = { stride, stride }, .padding = { 1, 1 }, .no_bias = true });
    tap_batch_norm_init(&b->bn1, m, "bn1", out, defaults);
    tap_conv_init(&b->conv2, m, "conv2", out, out, 3, (tap_conv_options){ .padding = { 1, 1 }, .no_bias = true });
    tap_batch_norm_init(&b->bn2, m, "bn2", out, defaults);
    if (!b->has_downsample) return;
    m = tap_module_child(m, "downsample");
    tap_conv_init(&b->downsample, m, "0", in, out, 1, (tap_conv_options){ .stride = { stride, stride }, .no_bias = true });
    tap_batch_norm_init(&b->downsample_bn, m, "1", out, defaults);
}

static tap_var block_forward(const block *b, tap_var x)
{
    tap_var h = tap_relu(tap_batch_norm_forward(&b->bn1, tap_conv_forward(&b->conv1, x)));
    tap_var y = tap_batch_norm_forward(&b->bn2, tap_conv_forward(&b->conv2, h));
    if (b->has_downsample) x = tap_batch_norm_forward(&b->downsample_bn, tap_conv_forward(&b->downsample, x));
    return tap_relu(tap_add(y, x));
}

static void resnet_init(model *m, tap_module *root)
{
    resnet     *r = &m->resnet;
    tap_module *layer1 = tap_module_child(root, "layer1"), *layer2 = tap_module_child(root, "layer2");
    tap_conv_init(&r->conv1, root, "conv1", 3, 8, 3, (tap_conv_options){ .padding = { 1, 1 }, .no_bias = true });
    tap_batch_norm_init(&r->bn1, root, "bn1", 8, (tap_batch_norm_options){ 0 });
    block_init(&r->blocks[0], layer1, "0", 8, 8, 1);
    block_init(&r->blocks[1], layer1, "1", 8, 8, 1);
    block_init(&r->blocks[2], layer2, "0", 8, 16, 2);
    block_init(&r->blocks[3], layer2, "1", 16, 16, 1);
    tap_linear_init(&r->fc, root, "fc", 16, 10);
}

static tap_var resnet_forward(const model *m, const tap_var *in)
{
    const resnet *r = &m->resnet;
    tap_var       x = tap_relu(tap_batch_norm_forward(&r->bn1, tap_conv_forward(&r->conv1, in[0])));
    for (int i = 0; i < 4; i++) x = block_forward(&r->blocks[i], x);
    return tap_linear_forward(&r->fc, tap_mean(x, TAP_AXES(2, 3)));
}

static void lstm_init(model *m, tap_module *root)
{
    tap_embedding_init(&m->lstm.embedding, root, "embedding", 20, 7, (tap_embedding_options){ 0 });
    tap_lstm_init(&m->lstm.lstm, root, "lstm", 7, 11, (tap_rnn_options){ .num_layers = 2, .dropout = 0.3 });
    tap_linear_init(&m->lstm.out, root, "out", 11, 20);
}

static tap_var lstm_forward(const model *m, const tap_var *in)
{
    tap_var x = tap_embedding_forward(&m->lstm.embedding, in[0]);
    return tap_linear_forward(&m->lstm.out, tap_rnn_forward(&m->lstm.lstm, x, NULL, (tap_var){ 0 }));
}

static void transformer_init(model *m, tap_module *root)
{
    const tap_transformer_stack_options o = { .layer = { .dim_feedforward = 32 }, .final_norm = true };
    tap_embedding_init(&m->transformer.embedding, root, "embedding", 20, 16, (tap_embedding_options){ 0 });
    m->transformer.position = tap_param_new(root, "position", TAP_SHAPE(9, 1, 16), tap_init_zeros());
    tap_transformer_encoder_init(&m->transformer.encoder, root, "encoder", 16, 4, 2, o);
    tap_transformer_decoder_init(&m->transformer.decoder, root, "decoder", 16, 4, 2, o);
    tap_linear_init(&m->transformer.out, root, "out", 16, 20);
}

static tap_var with_position(const transformer *r, tap_var index)
{
    tap_var position = tap_param_var(index.tape, r->position);
    return tap_add(tap_embedding_forward(&r->embedding, index), tap_slice(position, 0, 0, tap_shape_of(index).n[0], 1));
}

static tap_var transformer_forward(const model *m, const tap_var *in)
{
    const transformer       *r = &m->transformer;
    const tap_attention_call all = { .is_causal = false }, causal = { .is_causal = true };
    tap_var                  memory = tap_transformer_encoder_forward(&r->encoder, with_position(r, in[0]), all);
    tap_var                  y = tap_transformer_decoder_forward(&r->decoder, with_position(r, in[1]), memory, causal, all);
    return tap_linear_forward(&r->out, y);
}

/* ---- The comparison ---- */

typedef struct {
    const char *name;
    int         n; /* inputs */
    void (*init)(model *m, tap_module *root);
    tap_var (*forward)(const model *m, const tap_var *in);
} example;

static const example examples[] = {
    { "resnet", 1, resnet_init, resnet_forward },
    { "lstm", 1, lstm_init, lstm_forward },
    { "transformer", 2, transformer_init, transformer_forward },
};

/* The largest difference of two tensors; infinity if the shapes differ or an element is NaN. */
static double difference(tap_tensor a, tap_tensor b)
{
    double most = 0;
    if (!a.data || !b.data || !tap_shape_equal(a.shape, b.shape)) return HUGE_VAL;
    for (int64_t i = 0; i < tap_tensor_numel(a); i++) {
        const double d = fabs(tap_tensor_item(a, i) - tap_tensor_item(b, i));
        if (!(d <= most)) most = isnan(d) ? HUGE_VAL : d;
    }
    return most;
}

/* The outputs in evaluation mode against PyTorch's. */
static bool agrees(const example *x, const model *m, tap_arena *a, const char *path)
{
    const tap_safetensors cases = tap_torch_read(a, path);
    tap_tape             *t = tap_tape_new(TAP_F64, 0);
    tap_var               in[2] = { { 0 } };
    const tap_tensor     *expected = tap_safetensors_find(&cases, "out");
    for (int i = 0; i < x->n; i++) {
        const tap_tensor *input = tap_safetensors_find(&cases, (const char *[]){ "in0", "in1" }[i]);
        if (input) in[i] = tap_input(t, *input);
    }
    const tap_var y = x->forward(m, in);
    const double  error = expected ? difference(tap_value(y), *expected) : HUGE_VAL;
    printf("%s: outputs differ from PyTorch's by %.1e%s%s\n", x->name, error, *tap_tape_message(t) ? "; " : "",
           tap_tape_message(t));
    tap_tape_free(t);
    return error <= TOLERANCE;
}

static bool run(const example *x, const char *folder)
{
    char        path[3][PATH];
    model       m;
    tap_error   e = { 0 };
    tap_arena  *a = tap_arena_new();
    tap_module *root = tap_module_new(TAP_F64, 7);
    snprintf(path[0], PATH, "%s/%s.pt", folder, x->name);
    snprintf(path[1], PATH, "%s/%s.case.pt", folder, x->name);
    snprintf(path[2], PATH, "%s/%s.back.safetensors", folder, x->name);
    x->init(&m, root);
    tap_module_eval(root);
    const bool ok = !tap_module_load(root, path[0], &e) && agrees(x, &m, a, path[1]) &&
                    !tap_module_save(root, path[2], 0, NULL, &e) && tap_arena_status(a, NULL) == TAP_OK;
    if (!ok)
        fprintf(stderr, "exchange: %s: %s%s%s\n", x->name, e.message, tap_arena_error(a)->message, tap_module_message(root));
    tap_module_free(root);
    tap_arena_free(a);
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = argc == 2;
    if (!ok) fputs("usage: exchange FOLDER, in which exchange.py has made state dicts and cases\n", stderr);
    for (size_t i = 0; argc == 2 && i < sizeof examples / sizeof *examples; i++) ok = run(&examples[i], argv[1]) && ok;
    return !ok;
}

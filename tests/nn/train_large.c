/* tests/nn/train_large.c: trains an autoencoder on rows of files that may be larger than memory:
 *
 *     build/tests/train_large stream|map STEPS FILE.npy...
 *
 * The rows are uint8 [784], shuffled, a batch prepared while a step runs. Prints when the first batch was there, the loss, and
 * the most memory that the process had. tests/nn/large_data.sh runs it with limits of memory. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nn/nn.h"

enum { DATA = 784, BATCH = 64 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Prints the lines on the largest address space and the largest resident memory. */
static void print_memory(void)
{
    char  line[256];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f)) {
        if (!strncmp(line, "VmPeak:", 7) || !strncmp(line, "VmHWM:", 6)) fputs(line, stdout);
    }
    if (f) fclose(f);
}

static int failed(const char *message)
{
    fprintf(stderr, "train_large: %s\n", message);
    return 1;
}

static int train(tap_loader *l, int steps, double start)
{
    tap_mlp     net;
    tap_module *root = tap_module_new(TAP_F32, 1);
    tap_tape   *t = tap_tape_new(TAP_F32, 2);
    tap_tensor  x;
    const char *message;
    double      loss = 0;
    int         step = 0;
    tap_mlp_init(&net, root, "net", 3, (int64_t[]){ DATA, 32, DATA }, tap_tanh);
    tap_optim *adam = tap_adam_new(root, (tap_adam_options){ 0 });
    for (; step < steps && tap_loader_cycle(l, &x); step++) {
        if (step == 0) printf("first batch after %.3f s\n", now() - start);
        tap_tape_reset(t);
        tap_var in = tap_input(t, x), error = tap_mean(tap_square(tap_sub(tap_mlp_forward(&net, in), in)), TAP_ALL);
        tap_backward(error);
        tap_optim_step(adam, t);
        loss = tap_tensor_item(tap_value(error), 0);
    }
    if (tap_loader_status(l, &message) != TAP_OK || tap_tape_status(t, &message) != TAP_OK) return failed(message);
    printf("%d steps, loss %.6g, %.1f s\n", step, loss, now() - start);
    tap_tape_free(t);
    tap_module_free(root);
    return 0;
}

int main(int n, char **arguments)
{
    const double start = now();
    if (n < 4) return failed("usage: train_large stream|map STEPS FILE.npy...");
    const bool              map = strcmp(arguments[1], "map") == 0;
    const tap_field_options how = { .as = TAP_FIELD_FLOAT };
    tap_shards             *s = tap_shards_new(map ? TAP_SHARDS_MAP : TAP_SHARDS_STREAM);
    tap_shards_add(s, n - 3, (const char *const *)arguments + 3, NULL);
    tap_loader *l = tap_loader_new_dataset(tap_shards_dataset(s), &how,
                                           (tap_loader_options){ .batch = BATCH, .shuffle = true, .prefetch = 1 });
    const int   status = train(l, (int)strtol(arguments[2], NULL, 10), start);
    print_memory();
    tap_loader_free(l);
    tap_shards_free(s);
    return status;
}

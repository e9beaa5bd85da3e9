/* nn/nn.h: all of nn, in headers that can also be included one by one. What NAME.h declares is defined in the folder nn/NAME/,
 * what module.h and checkpoint.h declare in the files of nn/ itself; in brackets, section rules name these files.
 *
 * A model is a struct of the user's with layers embedded by value. Its parameters belong to a tree of named modules, whose root
 * owns them, their gradients and the state of optimizers. The forward pass is a function from vars to vars. Names and layouts
 * are PyTorch's.
 *
 * tap_..._init fills a struct that the caller embeds. tap_..._new returns an object: of a root or module, which owns it, or of
 * the caller, who frees it with tap_..._free; it never returns NULL.
 *
 * Errors: a root keeps its first error. Using a parameter of a failed root fails the tape. */
#ifndef TAP_NN_NN_H
#define TAP_NN_NN_H

#include "nn/module.h"     /* modules, parameters, buffers, initial values, files of their state, clones, gradient checks */
#include "nn/functional.h" /* functions: activations, normalization, attention, convolution, pooling, losses */
#include "nn/layers.h"     /* linear, MLP, convolution, normalization, embedding, RNN, LSTM, GRU, attention, transformers */
#include "nn/dist.h"       /* distributions, KL divergences, bounds on log p(x) */
#include "nn/optim.h"      /* optimizers, groups of parameters, clipping, schedules, averages of weights */
#include "nn/data.h"       /* data sets, transforms, loaders */
#include "nn/checkpoint.h" /* everything that determines the rest of a training run, in one file */
#include "nn/metrics.h"    /* ROC, average precision, Frechet distance, k-means */

#endif

/* nn/optim/optimizers.h: the list of optimization algorithms. optimizer.h says what their files hold, and who includes them. */
#undef TAP__OPTIMIZERS
#define TAP__OPTIMIZERS(ROW) \
    ROW(adadelta) \
    ROW(adagrad) \
    ROW(adam) \
    ROW(adamax) \
    ROW(adamw) \
    ROW(asgd) \
    ROW(nadam) \
    ROW(radam) \
    ROW(rmsprop) \
    ROW(rprop) \
    ROW(sgd)

#ifdef TAP__INCLUDE_OPTIMIZERS
#include "nn/optim/adadelta.h"
#include "nn/optim/adagrad.h"
#include "nn/optim/adam.h"
#include "nn/optim/adamax.h"
#include "nn/optim/asgd.h"
#include "nn/optim/nadam.h"
#include "nn/optim/radam.h"
#include "nn/optim/rmsprop.h"
#include "nn/optim/rprop.h"
#include "nn/optim/sgd.h"
#endif

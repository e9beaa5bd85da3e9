/* nn/optim/optimizers.h: the list of optimization algorithms. optimizer.h says what their files hold, and who includes them. */
#undef TAP__OPTIMIZERS
#define TAP__OPTIMIZERS(ROW) \
    ROW(adam) \
    ROW(adamw) \
    ROW(sgd)

#ifdef TAP__INCLUDE_OPTIMIZERS
#include "nn/optim/adam.h"
#include "nn/optim/sgd.h"
#endif

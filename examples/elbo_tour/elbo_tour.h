/* examples/elbo_tour/elbo_tour.h: shared declarations of this program. */
#ifndef ELBO_TOUR_H
#define ELBO_TOUR_H

#include "examples/common/common.h"

/* The options, images, and the tape and the module that each check gets anew, both float64. */
typedef struct {
    const char *out, *data; /* data: NULL to search for a data set */
    uint64_t    seed;
    int64_t     draws; /* number of draws of a Monte Carlo estimate */
    bool        quick;
    const char *images;              /* what they are */
    tap_tensor  train, test, labels; /* uint8 images; the test images' labels */
    tap_tape   *tape;
    tap_module *root;
} options;

/* ---- main.c: the table of equations ------------------------------------------------------------------------------ */

/* A Monte Carlo mean, the variance of one draw and the standard error of the mean. */
typedef struct {
    double mean, variance, error;
} estimate;

estimate estimate_of(tap_var draws);
void     section(const char *title);
/* Prints a row of the table: both sides of an equation. error: standard error of the difference, 0 if both are exact. */
void    equation(const char *name, double left, double right, double error);
void    print_note(const char *format, ...) TAP_PRINTF(1, 2);
tap_var vector(tap_tape *t, int64_t n, const double *x);         /* constants [n] */
tap_var grid(tap_tape *t, int64_t n, double first, double last); /* n equidistant points */

/* ---- The checks -------------------------------------------------------------------------------------------------- */

bool check_trivial(const options *o);       /* gaussians.c: section 3; delta.png, its figure 3 */
bool check_kl(const options *o);            /* gaussians.c: KL(q||p) of two Gaussians; kl.png, the paper's figure 4 */
bool check_scalar_vae(const options *o);    /* gaussians.c: section 3.2 */
bool check_bounds(const options *o);        /* bounds.c: section 4, by quadrature */
bool check_linear_vae(const options *o);    /* bounds.c: section 4, exactly */
bool check_gradients(const options *o);     /* gradients.c: section 5; variance.png */
bool check_gaussians(const options *o);     /* gaussians.c: section 6 */
bool check_codes(const options *o);         /* codes.c: section 1.2, an autoencoder compared with a VAE; codes.png */
bool find_images(options *o, tap_arena *a); /* reads the images or, if there is no data set, makes some */

#endif

/* nn/metrics.h: metrics: classification, distances between samples, clustering. */
#ifndef TAP_NN_METRICS_H
#define TAP_NN_METRICS_H

#include "tensor/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Metrics (metrics/classification.c, metrics/frechet.c) ---------------------------------------------------------- */

/* The squared Frechet (Wasserstein-2) distance |mean_a - mean_b|^2 + tr(A + B - 2 sqrt(A B)) of the Gaussians N(mean_a, A) and
 * N(mean_b, B) with the means and covariances of the rows of a [n,k] and b [m,k], n and m at least 2, k at most 4096: Dowson &
 * Landau 1982. Of features of images, a measure of how similar generated images are to real ones (FID): Heusel et al. 2017. NaN
 * on an error. */
TAP_API double tap_frechet_distance(tap_tensor a, tap_tensor b, tap_error *e);

/* A metric of scores [n] that separate positives (positive[i] = 1) from negatives (0), and a stratified percentile bootstrap
 * interval at confidence `level`: Efron & Tibshirani 1993, chapter 13. */
typedef struct {
    double value, low, high; /* NaN on an error: no positives, no negatives, NaN among the scores */
} tap_interval;

/* {0} gives the defaults in brackets. */
typedef struct {
    int64_t  resamples; /* TAP_NONE: no interval, low and high are NaN [1000] */
    double   level;     /* [0.95] */
    uint64_t seed;
} tap_bootstrap_options;

/* The area under the ROC curve, which is the probability that a positive has a higher score than a negative, ties counted half:
 * mean_ij [s_i > s_j] + [s_i = s_j] / 2 over positives i and negatives j. Hanley & McNeil 1982 */
TAP_API tap_interval tap_auroc(tap_tensor score, tap_tensor positive, tap_bootstrap_options o, tap_error *e);
/* sum_k (R_k - R_k-1) P_k over the distinct scores, the highest first; R_k and P_k are recall and precision of the threshold
 * "at least the k-th score" */
TAP_API tap_interval tap_average_precision(tap_tensor score, tap_tensor positive, tap_bootstrap_options o, tap_error *e);
/* The ROC curve: false and true positive rates for falling thresholds, from (0,0) to (1,1), written to float64 [>= n+1].
 * Returns the number of points, which is one more than there are distinct scores; 0 on an error. */
TAP_API int64_t tap_roc_curve(tap_tensor score, tap_tensor positive, tap_tensor false_rate, tap_tensor true_rate, tap_error *e);

/* ---- Clustering (metrics/clustering.c) ------------------------------------------------------------------------------ */

/* {.clusters = k} gives the defaults in brackets. */
typedef struct {
    int64_t  clusters;       /* k, from 1 to the number of points */
    int64_t  restarts;       /* from other initial centres; the best one is taken [10] */
    int64_t  max_iterations; /* of Lloyd's algorithm, for each restart [300] */
    uint64_t seed;
} tap_kmeans_options;

/* k-means: assigns each point to the nearest of k centres, which minimize the sum of squared distances, and returns that sum; a
 * local minimum. Lloyd 1982, initialized by k-means++ (Arthur & Vassilvitskii 2007). x [n,d], finite; label, int64 [n],
 * contiguous, receives the index of each point's centre. NaN on an error. */
TAP_API double tap_kmeans(tap_tensor x, tap_kmeans_options o, tap_tensor label, tap_error *e);
/* The agreement of two clusterings of the same n points by the pairs of points that both join: 1 for equal clusterings, 0 on
 * average for independent ones. a, b: labels, int64 [n], contiguous. Hubert & Arabie 1985. NaN on an error. */
TAP_API double tap_adjusted_rand_index(tap_tensor a, tap_tensor b, tap_error *e);

#ifdef __cplusplus
}
#endif

#endif

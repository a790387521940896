"""How well a style space tells styles apart: shares of the nearest pictures, and agreement of its clusters."""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

NEAREST = 10
CLUSTERS = range(3, 16)


def shares(vectors, pictures, queries=None):
    """(share, style) of each query: how many of its ten nearest, among pictures of other subjects, have its style."""
    queries = np.arange(len(vectors)) if queries is None else np.where(queries)[0]
    own = np.empty(len(queries))
    for start in range(0, len(queries), 500):
        q = queries[start : start + 500]
        scores = vectors[q] @ vectors.T
        scores[pictures.subject[q][:, None] == pictures.subject[None]] = -2
        nearest = np.argpartition(-scores, NEAREST, 1)[:, :NEAREST]
        own[start : start + 500] = (pictures.style[nearest] == pictures.style[q][:, None]).mean(1)
    return own, pictures.style[queries]


def print_figures(title, measured):
    own, style = measured
    each = {s: own[style == s].mean() for s in sorted(set(style))}
    listed = ", ".join(f"{s} {100 * v:.1f}" for s, v in each.items())
    print(f"{title}: {100 * own.mean():.1f} % of {len(own)} ({listed})", flush=True)


def clusters(vectors, styles, seed=0):
    """k-means, with the number of clusters of the best silhouette on a sample."""
    sample = np.random.default_rng(seed).choice(len(vectors), min(2000, len(vectors)), False)
    best = (-1.0, 0, None)
    for k in CLUSTERS:
        model = KMeans(k, n_init=3, random_state=seed).fit(vectors[sample])
        best = max(best, (silhouette_score(vectors[sample], model.labels_), k, model), key=lambda b: b[0])
    found = adjusted_rand_score(styles, best[2].predict(vectors))
    seven = KMeans(7, n_init=3, random_state=seed).fit_predict(vectors)
    return (
        f"k-means: {best[1]} clusters by silhouette, adjusted Rand index {found:.3f}; "
        f"with 7 clusters {adjusted_rand_score(styles, seven):.3f}"
    )

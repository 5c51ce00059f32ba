"""Label maps, and what NumPy and SciPy say of them: makes metrics.json. Needs numpy and scipy.

Masks are handled one class at a time, boundaries by exclusive or of shifted masks, discs by dilation, bands by
repeated erosion: none of it as the package does it.
"""

import json
import numpy as np
from scipy import ndimage

IGNORE, CLASSES = 255, 4
PIXELS = [1, 2, 3, 5]
SHARES = [0.00088, 0.001875, 0.00375, 0.005, 0.05]
random = np.random.default_rng(7)


def scene(height, width, seeds, ignored):
    """Regions nearest to random points, some of them void, and an unlike copy of it as prediction."""
    points = random.uniform(0, 1, (seeds, 2)) * [height, width]
    names = random.integers(0, CLASSES, seeds)
    names[random.permutation(seeds)[:ignored]] = IGNORE
    yx = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1)
    truth = names[((yx[:, :, None] - points) ** 2).sum(-1).argmin(-1)]
    moved = points + random.normal(0, 1.5, points.shape)
    prediction = np.where(names == IGNORE, 1, names)[((yx[:, :, None] - moved) ** 2).sum(-1).argmin(-1)]
    speckle = random.uniform(0, 1, truth.shape) < 0.01
    return truth, np.where(speckle, random.integers(0, CLASSES, truth.shape), prediction)


def boundary(mask, valid):
    """Right, lower and lower right neighbours that differ; pairs of valid pixels inside the frame."""
    result = np.zeros_like(mask)
    h, w = mask.shape
    for dy, dx in [(0, 1), (1, 0), (1, 1)]:
        a, b = (slice(0, h - dy), slice(0, w - dx)), (slice(dy, h), slice(dx, w))
        result[a] |= (mask[a] ^ mask[b]) & valid[a] & valid[b]
    return result


def disc(radius):
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return y * y + x * x <= radius * radius


def counts(truth, prediction, name, radius):
    valid = truth != IGNORE
    t, p = boundary(truth == name, valid), boundary(prediction == name, valid)
    far = ~ndimage.binary_dilation(~valid, disc(radius))
    near_t, near_p = ndimage.binary_dilation(t, disc(radius)), ndimage.binary_dilation(p, disc(radius))
    return [int(x.sum()) for x in (t & far, t & far & near_p, p & far, p & far & near_t)]


def f_score(c):
    if c[0] + c[2] == 0:
        return None
    if c[0] == 0 or c[2] == 0:
        return 0.0
    recall, precision = c[1] / c[0], c[3] / c[2]
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def mean(values):
    values = [v for v in values if v is not None]
    return float(np.mean(values)) if values else None


def f_scores(images, radius_of):
    total = {k: np.zeros(4, int) for k in range(CLASSES)}
    present, per_image = set(), []
    for truth, prediction in images:
        here = [k for k in range(CLASSES) if (truth == k).any()]
        present |= set(here)
        each = {k: counts(truth, prediction, k, radius_of(truth.shape)) for k in range(CLASSES)}
        for k in range(CLASSES):
            total[k] += each[k]
        per_image.append(mean([f_score(each[k]) for k in here]))
    classes = [f_score(total[k]) if k in present else None for k in range(CLASSES)]
    return {"classes": classes, "mean": mean(classes), "overImages": mean(per_image)}


def boundary_iou(images, ratio=0.02):
    scores = []
    for k in range(CLASSES):
        both = either = 0
        for truth, prediction in images:
            depth = max(1, round(ratio * float(np.hypot(*truth.shape))))
            valid = truth != IGNORE
            bands = []
            for labels in (truth, prediction):
                mask = (labels == k) & valid
                inside = ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=depth, border_value=0)
                bands.append(mask & ~inside)
            both += int((bands[0] & bands[1]).sum())
            either += int((bands[0] | bands[1]).sum())
        scores.append(both / either if either else None)
    return scores


def trimap(images, width):
    hits, union = np.zeros(CLASSES), np.zeros(CLASSES)
    for truth, prediction in images:
        distance = np.full(truth.shape, np.inf)
        for label in np.unique(truth):
            if (truth != label).any():
                inside = truth == label
                distance[inside] = ndimage.distance_transform_edt(inside)[inside]
        band = (distance <= width) & (truth != IGNORE)
        for k in range(CLASSES):
            t, p = band & (truth == k), band & (prediction == k)
            hits[k] += (t & p).sum()
            union[k] += (t | p).sum()
    return mean([float(h / u) if u else None for h, u in zip(hits, union)])


def text(labels):
    return ["".join("." if v == IGNORE else str(v) for v in row) for row in labels]


images = [scene(37, 53, 14, 2), scene(48, 40, 20, 0), scene(30, 64, 9, 3)]
images[1] = (np.where(images[1][0] == 3, 0, images[1][0]), images[1][1])  # class 3 is in the prediction alone there
pairs = [(t.astype(int), p.astype(int)) for t, p in images]
diagonal = lambda share: lambda shape: int(np.ceil(share * np.hypot(*shape)))
json.dump(
    {
        "images": [{"truth": text(t), "prediction": text(p)} for t, p in pairs],
        "pixels": {str(d): f_scores(pairs, lambda shape, d=d: d) for d in PIXELS},
        "shares": {str(s): f_scores(pairs, diagonal(s)) for s in SHARES},
        "boundaryIoU": boundary_iou(pairs),
        "trimap": {str(w): trimap(pairs, w) for w in [1, 2, 5, 10]},
    },
    open("metrics.json", "w"),
    indent=1,
)

// Weights that this package trained on its own StreetScenes, and their card, as bytes of the program.
#pragma once
#include <stddef.h>

// The bytes of a safetensors file; `count` receives how many.
const void *sk_streets_weights(size_t *count);
// The text of its card.
const void *sk_streets_card(size_t *count);

// The same of InverseForm's inverse network.
const void *sk_inverse_network_weights(size_t *count);
const void *sk_inverse_network_card(size_t *count);

// The same of the features of perceptual consistency.
const void *sk_perceptual_features_weights(size_t *count);
const void *sk_perceptual_features_card(size_t *count);

// The same of the depth network.
const void *sk_streets_depth_weights(size_t *count);
const void *sk_streets_depth_card(size_t *count);

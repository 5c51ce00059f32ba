// Weights that this package trained on data that may be used for research only, and their card, as bytes of the program.
#pragma once
#include <stddef.h>

// The bytes of a safetensors file; `count` receives how many.
const void *sk_camvid_weights(size_t *count);
// The text of its card.
const void *sk_camvid_card(size_t *count);

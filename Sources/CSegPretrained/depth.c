#include "CSegPretrained.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

_Alignas(64) static const unsigned char weights[] = {
#embed "streets-depth.safetensors"
};
static const unsigned char card[] = {
#embed "streets-depth.md"
};

const void *sk_streets_depth_weights(size_t *count) {
  *count = sizeof weights;
  return weights;
}

const void *sk_streets_depth_card(size_t *count) {
  *count = sizeof card;
  return card;
}

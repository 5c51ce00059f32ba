#include "CSegPretrained.h"

// #embed came with C23; clang has it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

_Alignas(64) static const unsigned char weights[] = {
#embed "streets-ffnet22S-half.safetensors"
};
static const unsigned char card[] = {
#embed "streets-ffnet22S-half.md"
};

_Alignas(64) static const unsigned char inverseNetwork[] = {
#embed "inverse-network.safetensors"
};
static const unsigned char inverseNetworkCard[] = {
#embed "inverse-network.md"
};

_Alignas(64) static const unsigned char perceptualFeatures[] = {
#embed "perceptual-features.safetensors"
};
static const unsigned char perceptualFeaturesCard[] = {
#embed "perceptual-features.md"
};

const void *sk_streets_weights(size_t *count) {
  *count = sizeof weights;
  return weights;
}

const void *sk_streets_card(size_t *count) {
  *count = sizeof card;
  return card;
}

const void *sk_inverse_network_weights(size_t *count) {
  *count = sizeof inverseNetwork;
  return inverseNetwork;
}

const void *sk_inverse_network_card(size_t *count) {
  *count = sizeof inverseNetworkCard;
  return inverseNetworkCard;
}

const void *sk_perceptual_features_weights(size_t *count) {
  *count = sizeof perceptualFeatures;
  return perceptualFeatures;
}

const void *sk_perceptual_features_card(size_t *count) {
  *count = sizeof perceptualFeaturesCard;
  return perceptualFeaturesCard;
}

#include "CSegPretrainedResearch.h"

// #embed came with C23; clang has it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

_Alignas(64) static const unsigned char weights[] = {
#embed "camvid-ffnet22S-half.safetensors"
};
static const unsigned char card[] = {
#embed "camvid-ffnet22S-half.md"
};

const void *sk_camvid_weights(size_t *count) {
  *count = sizeof weights;
  return weights;
}

const void *sk_camvid_card(size_t *count) {
  *count = sizeof card;
  return card;
}

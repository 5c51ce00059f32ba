// What the kernels use of macOS's header, which Linux has not: to compile them for macOS, not to run them.
#pragma once
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
float fabsf(float), floorf(float), rintf(float), sqrtf(float), sinf(float), cosf(float), copysignf(float, float);

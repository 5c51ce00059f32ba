// What the kernels use of macOS's header, which Linux has not: to compile them for macOS, not to run them.
#pragma once
#include <stddef.h>
void *memcpy(void *restrict, const void *restrict, size_t), *memset(void *, int, size_t);

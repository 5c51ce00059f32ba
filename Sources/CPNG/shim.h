// libpng behind two functions that never let a longjmp leave C: decoding and encoding between memory buffers.
#pragma once

#include <png.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/// A decoded or encodable picture: rows of `channels` samples of 8 or 16 bits (native byte order).
typedef struct SKPNGInfo {
  uint32_t width, height;
  /// Bits a sample in the file, and its colour type (PNG_COLOR_TYPE_…).
  int bitDepth, colorType;
  /// What decoding delivers: samples a pixel and bytes a sample.
  int channels, sampleBytes;
} SKPNGInfo;

typedef struct SKPNGSource {
  const uint8_t *bytes;
  size_t count, position;
} SKPNGSource;

typedef struct SKPNGSink {
  uint8_t *bytes;
  size_t count, capacity;
} SKPNGSink;

typedef struct SKPNGError {
  jmp_buf jump;
  char message[160];
} SKPNGError;

static inline void sk_png_fail(png_structp png, png_const_charp message) {
  SKPNGError *error = (SKPNGError *)png_get_error_ptr(png);
  strncpy(error->message, message, sizeof error->message - 1);
  longjmp(error->jump, 1);
}

static inline void sk_png_ignore(png_structp png, png_const_charp message) { (void)png, (void)message; }

static inline void sk_png_pull(png_structp png, png_bytep target, size_t count) {
  SKPNGSource *source = (SKPNGSource *)png_get_io_ptr(png);
  if (count > source->count - source->position) png_error(png, "the file ends too early");
  memcpy(target, source->bytes + source->position, count);
  source->position += count;
}

static inline void sk_png_push(png_structp png, png_bytep bytes, size_t count) {
  SKPNGSink *sink = (SKPNGSink *)png_get_io_ptr(png);
  if (sink->count + count > sink->capacity) {
    size_t capacity = sink->capacity * 2 + count + 4096;
    uint8_t *grown = (uint8_t *)realloc(sink->bytes, capacity);
    if (!grown) png_error(png, "no memory left");
    sink->bytes = grown;
    sink->capacity = capacity;
  }
  memcpy(sink->bytes + sink->count, bytes, count);
  sink->count += count;
}

static inline void sk_png_flush(png_structp png) { (void)png; }

/// Decodes in two calls: with `pixels` NULL only the header is read, into `info`; then memory of
/// height × width × channels × sampleBytes is filled. `rgb` asks for 8-bit RGB whatever the file holds; otherwise
/// samples come as they are, small ones one a byte. Returns 0, or 1 with the reason in `message` (160 bytes).
static inline int sk_png_decode(const uint8_t *bytes, size_t count, int rgb, uint8_t *pixels, SKPNGInfo *info,
                                char *message) {
  SKPNGError error;
  SKPNGSource source = {bytes, count, 0};
  png_structp png = NULL;
  png_infop header = NULL;
  png_bytepp volatile rows = NULL;
  memset(error.message, 0, sizeof error.message);
  png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &error, sk_png_fail, sk_png_ignore);
  header = png ? png_create_info_struct(png) : NULL;
  if (!header) {
    png_destroy_read_struct(&png, NULL, NULL);
    strcpy(message, "no memory left");
    return 1;
  }
  if (setjmp(error.jump)) {
    free(rows);
    png_destroy_read_struct(&png, &header, NULL);
    memcpy(message, error.message, sizeof error.message);
    return 1;
  }
  png_set_user_limits(png, 1 << 20, 1 << 20);
  png_set_chunk_malloc_max(png, 8 << 20);
  png_set_read_fn(png, &source, sk_png_pull);
  png_read_info(png, header);
  info->width = png_get_image_width(png, header);
  info->height = png_get_image_height(png, header);
  info->bitDepth = png_get_bit_depth(png, header);
  info->colorType = png_get_color_type(png, header);
  if (rgb) {
    if (info->colorType == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (!(info->colorType & PNG_COLOR_MASK_COLOR)) {
      if (info->bitDepth < 8) png_set_expand_gray_1_2_4_to_8(png);
      png_set_gray_to_rgb(png);
    }
    if (info->bitDepth == 16) png_set_scale_16(png);
    png_set_strip_alpha(png);
  } else {
    if (info->bitDepth < 8) png_set_packing(png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (info->bitDepth == 16) png_set_swap(png);
#endif
  }
  png_set_interlace_handling(png);
  png_read_update_info(png, header);
  info->channels = png_get_channels(png, header);
  info->sampleBytes = png_get_bit_depth(png, header) == 16 ? 2 : 1;
  if (pixels) {
    const size_t stride = png_get_rowbytes(png, header);
    if (stride != (size_t)info->width * info->channels * info->sampleBytes) png_error(png, "rows of unexpected length");
    rows = (png_bytepp)malloc(info->height * sizeof(png_bytep));
    if (!rows) png_error(png, "no memory left");
    for (uint32_t y = 0; y < info->height; y++) rows[y] = pixels + y * stride;
    png_read_image(png, rows);
    png_read_end(png, NULL);
    free(rows);
  }
  png_destroy_read_struct(&png, &header, NULL);
  return 0;
}

/// Encodes rows of 8- or 16-bit samples; `palette` holds `paletteCount` RGB triples for palette images. The result is
/// the caller's to free. Returns 0, or 1 with the reason in `message`.
static inline int sk_png_encode(const uint8_t *pixels, const SKPNGInfo *info, const uint8_t *palette, int paletteCount,
                                uint8_t **result, size_t *count, char *message) {
  SKPNGError error;
  SKPNGSink sink = {NULL, 0, 0};
  memset(error.message, 0, sizeof error.message);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &error, sk_png_fail, sk_png_ignore);
  png_infop header = png ? png_create_info_struct(png) : NULL;
  if (!header) {
    png_destroy_write_struct(&png, NULL);
    strcpy(message, "no memory left");
    return 1;
  }
  if (setjmp(error.jump)) {
    png_destroy_write_struct(&png, &header);
    free(sink.bytes);
    memcpy(message, error.message, sizeof error.message);
    return 1;
  }
  png_set_write_fn(png, &sink, sk_png_push, sk_png_flush);
  png_set_IHDR(png, header, info->width, info->height, info->sampleBytes * 8, info->colorType, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (palette) {
    png_color colors[256];
    for (int i = 0; i < paletteCount; i++)
      colors[i] = (png_color){palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]};
    png_set_PLTE(png, header, colors, paletteCount);
  }
  png_set_compression_level(png, 6);
  png_write_info(png, header);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (info->sampleBytes == 2) png_set_swap(png);
#endif
  const size_t stride = (size_t)info->width * info->channels * info->sampleBytes;
  for (uint32_t y = 0; y < info->height; y++) png_write_row(png, pixels + y * stride);
  png_write_end(png, NULL);
  png_destroy_write_struct(&png, &header);
  *result = sink.bytes;
  *count = sink.count;
  return 0;
}

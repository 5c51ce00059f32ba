// PNG between memory buffers. libpng reports errors by longjmp, which must not cross Swift frames: every setjmp of
// the package is in this file, and Swift sees functions that return a code and fill in a message.
#pragma once
#include <png.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { cpng_message_capacity = 200 };

// What the chunks before the first IDAT say.
typedef struct {
  uint32_t width, height;
  int32_t bit_depth, color_type;
} cpng_header;

// What the decoded rows hold.
typedef enum {
  cpng_rgb8,     // three bytes a pixel, whatever the file holds; alpha is dropped
  cpng_samples8, // one byte a pixel: the palette index or grey sample as stored (1, 2, 4, 8 bits)
  cpng_samples16 // 16-bit samples as stored, in the machine's byte order: one a pixel (grey) or three (RGB)
} cpng_form;

// Bytes that malloc'ed memory holds; the caller frees `bytes`.
typedef struct {
  uint8_t *bytes;
  size_t count, capacity;
} cpng_output;

// ---- callbacks -----------------------------------------------------------------------------------------------

typedef struct {
  const uint8_t *bytes;
  size_t count, position;
} cpng_input;

static inline void cpng_on_error(png_structp png, png_const_charp text) {
  char *message = (char *)png_get_error_ptr(png);
  strncpy(message, text ? text : "unknown error", cpng_message_capacity - 1);
  message[cpng_message_capacity - 1] = 0;
  png_longjmp(png, 1);
}

static inline void cpng_on_warning(png_structp png, png_const_charp text) { (void)png, (void)text; }

static inline void cpng_on_read(png_structp png, png_bytep target, size_t count) {
  cpng_input *input = (cpng_input *)png_get_io_ptr(png);
  if (count > input->count - input->position) png_error(png, "the file ends early");
  memcpy(target, input->bytes + input->position, count);
  input->position += count;
}

static inline void cpng_on_write(png_structp png, png_bytep source, size_t count) {
  cpng_output *output = (cpng_output *)png_get_io_ptr(png);
  if (count > output->capacity - output->count) {
    size_t capacity = 2 * (output->count + count);
    uint8_t *bytes = (uint8_t *)realloc(output->bytes, capacity);
    if (!bytes) png_error(png, "out of memory");
    output->bytes = bytes;
    output->capacity = capacity;
  }
  memcpy(output->bytes + output->count, source, count);
  output->count += count;
}

static inline void cpng_on_flush(png_structp png) { (void)png; }

// ---- reading -------------------------------------------------------------------------------------------------

// Bounds what a file may make libpng allocate, and reads up to the first IDAT.
static inline void cpng_start(png_structp png, png_infop info, cpng_input *input) {
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);  // the caller compares the area, which says more
  png_set_chunk_malloc_max(png, 8u << 20);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);  // texts, profiles, gamma: never parsed
  png_set_read_fn(png, input, cpng_on_read);
  png_read_info(png, info);
}

// Reads the header alone. Returns 0 when `message` says what is wrong.
static inline int cpng_read_header(const uint8_t *bytes, size_t count, cpng_header *header, char *message) {
  cpng_input input = {bytes, count, 0};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, cpng_on_error, cpng_on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    strcpy(message, "libpng could not be started");
    png_destroy_read_struct(&png, &info, NULL);
    return 0;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, NULL);
    return 0;
  }
  cpng_start(png, info, &input);
  header->width = png_get_image_width(png, info);
  header->height = png_get_image_height(png, info);
  header->bit_depth = png_get_bit_depth(png, info);
  header->color_type = png_get_color_type(png, info);
  png_destroy_read_struct(&png, &info, NULL);
  return 1;
}

// Decodes into `target`, which has `capacity` bytes. Returns 0 when `message` says what is wrong.
static inline int cpng_decode(const uint8_t *bytes, size_t count, cpng_form form, void *target, size_t capacity,
                              char *message) {
  cpng_input input = {bytes, count, 0};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, cpng_on_error, cpng_on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    strcpy(message, "libpng could not be started");
    png_destroy_read_struct(&png, &info, NULL);
    return 0;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, NULL);
    return 0;
  }
  cpng_start(png, info, &input);
  if (form == cpng_rgb8) {
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
  } else if (form == cpng_samples8) {
    png_set_packing(png);
  } else {
    const uint16_t one = 1;
    if (*(const uint8_t *)&one) png_set_swap(png);
  }
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const size_t row_bytes = png_get_rowbytes(png, info);
  const size_t height = png_get_image_height(png, info);
  if (height == 0 || row_bytes > capacity / height || row_bytes * height != capacity) {
    png_error(png, "the rows are not of the expected size");
  }
  for (int pass = 0; pass < passes; pass++) {
    for (size_t row = 0; row < height; row++) png_read_row(png, (png_bytep)target + row * row_bytes, NULL);
  }
  png_read_end(png, NULL);
  png_destroy_read_struct(&png, &info, NULL);
  return 1;
}

// ---- writing -------------------------------------------------------------------------------------------------

// Encodes rows of `row_bytes` bytes, 16-bit samples in the machine's order; `palette` holds RGB triples where
// `color_type` is PNG_COLOR_TYPE_PALETTE. Returns 0 when `message` says what is wrong; `output` is freed then.
static inline int cpng_encode(cpng_header header, const void *rows, size_t row_bytes, const uint8_t *palette,
                              int palette_count, cpng_output *output, char *message) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, message, cpng_on_error, cpng_on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    strcpy(message, "libpng could not be started");
    png_destroy_write_struct(&png, &info);
    return 0;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    free(output->bytes);
    memset(output, 0, sizeof *output);
    return 0;
  }
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_set_write_fn(png, output, cpng_on_write, cpng_on_flush);
  png_set_IHDR(png, info, header.width, header.height, header.bit_depth, header.color_type, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (header.color_type == PNG_COLOR_TYPE_PALETTE) {
    png_color colors[256];
    for (int index = 0; index < palette_count && index < 256; index++) {
      colors[index].red = palette[3 * index];
      colors[index].green = palette[3 * index + 1];
      colors[index].blue = palette[3 * index + 2];
    }
    png_set_PLTE(png, info, colors, palette_count);
  }
  png_write_info(png, info);
  const uint16_t one = 1;
  if (header.bit_depth == 16 && *(const uint8_t *)&one) png_set_swap(png);
  for (uint32_t row = 0; row < header.height; row++) png_write_row(png, (png_const_bytep)rows + row * row_bytes);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return 1;
}

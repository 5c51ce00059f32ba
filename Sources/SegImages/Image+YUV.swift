import SegKernels

// Between RGB and Y'CbCr of ITU-R BT.601: Y = 0.299 R + 0.587 G + 0.114 B, Cb = (B − Y) / 1.772, Cr = (R − Y) / 1.402.
// In limited range Y is 16 + 219/255 · Y, and Cb and Cr are 128 + 224/255 times theirs; in full range 128 is added alone.

extension Image {
  /// The picture of a frame's samples: planes of luma and chroma; each chroma sample serves its pixels as it is.
  init(header: Y4MHeader, samples: [UInt8]) {
    let (width, height) = (header.width, header.height), chroma = header.chromaSize
    let scale: Float = header.isFullRange ? 1 : 255 / 219, offset: Float = header.isFullRange ? 0 : 16
    let chromaScale: Float = header.isFullRange ? 1 : 255 / 224
    self.init(uninitializedWidth: width, height: height) { target in
      let target = target.baseAddress!
      samples.withUnsafeBufferPointer { samples in
        let blue = width * height, red = blue + chroma.width * chroma.height
        parallelRuns(height, grain: 32) { rows in
          for row in rows {
            for column in 0..<width {
              let place = row * width + column
              let y = (Float(samples[place]) - offset) * scale
              var (cb, cr): (Float, Float) = (0, 0)
              if let step = header.chromaStep {
                let at = row / step.rows * chroma.width + column / step.columns
                cb = (Float(samples[blue + at]) - 128) * chromaScale
                cr = (Float(samples[red + at]) - 128) * chromaScale
              }
              target[3 * place] = byte(y + 1.402 * cr)
              target[3 * place + 1] = byte(y - (0.114 * 1.772 / 0.587) * cb - (0.299 * 1.402 / 0.587) * cr)
              target[3 * place + 2] = byte(y + 1.772 * cb)
            }
          }
        }
      }
    }
  }

  /// The samples of a frame: luma of each pixel, chroma as the mean of the pixels that share it.
  func samples(for header: Y4MHeader) -> [UInt8] {
    let (width, height) = (width, height), chroma = header.chromaSize
    let scale: Float = header.isFullRange ? 1 : 219 / 255, offset: Float = header.isFullRange ? 0 : 16
    let chromaScale: Float = header.isFullRange ? 1 : 224 / 255
    return [UInt8](unsafeUninitializedCapacity: header.frameBytes) { target, count in
      count = header.frameBytes
      let target = target.baseAddress!
      pixels.withUnsafeBufferPointer { pixels in
        parallelRuns(height, grain: 32) { rows in
          for place in (rows.lowerBound * width)..<(rows.upperBound * width) {
            target[place] = byte(luma(pixels, place) * scale + offset)
          }
        }
        guard let step = header.chromaStep else { return }
        let blue = width * height, red = blue + chroma.width * chroma.height
        parallelRuns(chroma.height, grain: 16) { rows in
          for row in rows {
            for column in 0..<chroma.width {
              var (cb, cr, shared): (Float, Float, Float) = (0, 0, 0)
              for y in (row * step.rows)..<min((row + 1) * step.rows, height) {
                for x in (column * step.columns)..<min((column + 1) * step.columns, width) {
                  let place = y * width + x, gray = luma(pixels, place)
                  cb += (Float(pixels[3 * place + 2]) - gray) / 1.772
                  cr += (Float(pixels[3 * place]) - gray) / 1.402
                  shared += 1
                }
              }
              target[blue + row * chroma.width + column] = byte(cb / shared * chromaScale + 128)
              target[red + row * chroma.width + column] = byte(cr / shared * chromaScale + 128)
            }
          }
        }
      }
    }
  }
}

/// Luma of a pixel, 0…255.
@inline(__always)
private func luma(_ pixels: UnsafeBufferPointer<UInt8>, _ place: Int) -> Float {
  0.299 * Float(pixels[3 * place]) + 0.587 * Float(pixels[3 * place + 1]) + 0.114 * Float(pixels[3 * place + 2])
}

/// The nearest byte.
@inline(__always)
private func byte(_ value: Float) -> UInt8 { UInt8(min(max(value + 0.5, 0), 255)) }

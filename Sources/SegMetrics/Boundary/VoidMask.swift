import SegKernels

/// 1 where the truth is void: the ignore index, or a label that is no class; 0 elsewhere.
func voidMask(_ truth: Labels, classes: Int, ignoreIndex: Int?) -> Labels {
  Labels(uninitialized: truth.shape) { mask in
    truth.withUnsafeBufferPointer { truth in
      for index in truth.indices {
        let label = Int(truth[index])
        mask[index] = label == ignoreIndex || label < 0 || label >= classes ? 1 : 0
      }
    }
  }
}

/// Stops the program unless both are one image of the same size.
func checkPair(_ prediction: Labels, _ truth: Labels, _ operation: String) {
  check(
    prediction.shape == truth.shape && truth.shape.rank >= 2 && truth.shape.dropLast(2).allSatisfy { $0 == 1 },
    operation, "expected two label maps H×W of one size, found \(prediction.shape) and \(truth.shape)")
}

import Foundation
import SegData
import SegFFNet
import SegFormats
import SegImages
import SegKernels
import SegMetrics
import SegPipelines
import SegPretrained
import SegTraining

/// `TrainOnFolder FOLDER WEIGHTS [STEPS]`: trains on FOLDER/images/train and FOLDER/labels/train, says how well it goes on
/// `val`, and writes weights that `segkernels predict --weights WEIGHTS` takes.
@main
struct TrainOnFolder {
  static func main() {
    let arguments = CommandLine.arguments
    guard (3...4).contains(arguments.count), let steps = Int(arguments.count == 4 ? arguments[3] : "1000") else {
      print("usage: TrainOnFolder FOLDER WEIGHTS [STEPS]")
      exit(64)
    }
    do {
      try train(on: URL(fileURLWithPath: arguments[1]), to: URL(fileURLWithPath: arguments[2]), steps: steps)
    } catch {
      // A folder that is not as it should be, or a picture in it: one line that names it.
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(65)
    }
  }

  private static func train(on root: URL, to file: URL, steps: Int) throws {
    let train = try FolderDataset(root: root, split: "train"), val = try FolderDataset(root: root, split: "val")
    let crop = Pair(height: 192, width: 256), name = "ffnet22S_half_BCC"

    // The bundled weights know streets; all that fits the classes at hand is taken over.
    let network = FFNet(FFNetConfiguration(name: name, classes: train.classes.count)!, seed: 1)
    try network.load(published: BundledWeights.streets.archive().tensors, .fineTuning)

    let loader = BatchLoader(
      train, batchSize: 8, augmentation: Augmentation(scale: 0.5...2, crop: crop, flips: true), seed: 1)
    let task = SegmentationTask(network, ignoreIndex: train.classes.ignoreIndex.map(Int.init))
    let optimizer = SGD(learningRate: 0.01, momentum: 0.9, weightDecay: 0.0005)
    network.setTraining(true)
    for (step, batch) in loader.batches(from: 0).prefix(steps).enumerated() {
      let batch = try batch.get()
      optimizer.learningRate = 0.01 * Float(pow(1 - Double(step) / Double(steps), 0.9))
      let (loss, gradients) = valueAndGradient(of: network) { _ in task.loss(batch, progress: 0) }
      optimizer.update(network, with: gradients)
      if step % 50 == 0 { print("step \(step): loss \(loss.scalar)") }
    }
    network.setTraining(false)

    let card = ModelCard(
      model: name, classes: train.classes, normalization: .imageNet, size: crop,
      recipe: "TrainOnFolder", terms: "those of the images in \(root.lastPathComponent)")
    try writeWeights(WeightArchive(network, card: card), to: file)

    // From here on as any user of the weights.
    let segment = try Segmenter(weights: .file(file))
    var confusion = ConfusionMatrix(classes: val.classes.count, ignoreIndex: val.classes.ignoreIndex.map(Int.init))
    for index in 0..<val.count {
      let sample = try val.sample(at: index)
      confusion.add(prediction: segment(sample.image).labels, truth: sample.labels)
    }
    print("mIoU on val: \(confusion.meanIoU())")
  }
}

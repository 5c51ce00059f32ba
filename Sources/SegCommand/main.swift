import SegFFNet
import SegKernels
import SegData
import SegImages
import SegTraining
import SegMetrics
import Foundation
let root = URL(fileURLWithPath: "/work/shared/data/camvid")
var recipe = Recipe()
recipe.name = "camvid"; recipe.model = "segmentation_ffnet40S_dBBB_mobile"; recipe.data.kind = "camvid"
recipe.augment.crop = [288, 384]; recipe.augment.scale = [0.6, 1.8]
recipe.batch = 8; recipe.steps = Int(CommandLine.arguments[2])!; recipe.optimization.learningRate = Float(CommandLine.arguments[3])!
recipe.loss.classWeights = .logarithmic
recipe.optimization.warmup = 50
let train = try CamVid(root: root, split: "train")
let net = FFNet(FFNetConfiguration(name: recipe.model, classes: 11)!, seed: recipe.seed)
let weights = try recipe.loss.classWeights.weights(for: train)
print(weights!.scalars)
let loader = BatchLoader(train, batchSize: recipe.batch, augmentation: Augmentation(scale: 0.6...1.8, crop: [288, 384]), seed: recipe.seed)
let task = SegmentationTask(net, ignoreIndex: 11, classWeights: weights)
let trainer = try Trainer(task, recipe: recipe, loader: loader, folder: URL(fileURLWithPath: CommandLine.arguments[1]), card: ModelCard(model: recipe.model, classes: .camVid, normalization: .imageNet, size: [288, 384], recipe: "", terms: ""), resume: false)

try trainer.run { p in
  if p.step % 20 == 0 { FileHandle.standardError.write(Data("\(p.step) \(p.loss) \(p.secondsLeft)\n".utf8)) }
}
let val = try CamVid(root: root, split: "val")
var m = ConfusionMatrix(classes: 11, ignoreIndex: 11)
for i in 0..<val.count {
  let s = try val.sample(at: i)
  let x = Tensor(s.image).padded(top: 0, bottom: 24, left: 0, right: 32)
  let y = resize(net(x), to: [384, 512]).slice(axis: 2, 0..<360).slice(axis: 3, 0..<480)
  m.add(prediction: argmax(y).reshaped([360, 480]), truth: s.labels)
}
print("mIoU", m.meanIoU(), m.iou().map { $0.map { Int($0 * 1000) } ?? -1 }, m.pixelAccuracy)

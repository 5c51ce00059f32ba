import CSegPretrainedResearch
import SegPretrained

extension BundledWeights {
  /// A half-width FFNet-22S for CamVid's 11 classes. Its data are for research only, and so is it.
  public static let camVid = BundledWeights(
    name: "camvid", restriction: "CamVid: CC BY-NC 4.0, personal and research use only",
    weights: { staticBytes { sk_camvid_weights($0) } }, card: { staticBytes { sk_camvid_card($0) } })
}

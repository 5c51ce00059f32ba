/// The published FFNets by name: 94 entry points of the authors' repository.
public enum FFNetCatalogue {
  /// Every published name, in the order of the authors' files.
  public static let names: [String] =
    large + narrow + small + classifiers + slim + preDownsampled + mobile + mobileNarrow

  /// Networks of the same make that are this package's own: half of every width, for experiments on two cores.
  public static let ownNames = ["segmentation_ffnet22S_half_BCC"]

  private static func segmentation(_ names: String) -> [String] {
    names.split(separator: " ").map { "segmentation_ffnet\($0)" }
  }

  private static func classification(_ names: String) -> [String] {
    names.split(separator: " ").map { "classification_ffnet\($0)" }
  }

  private static let large = segmentation(
    """
    150_AAA 134_AAA 101_AAA 86_AAA 56_AAA 50_AAA 34_AAA 150_ABB 86_ABB 56_ABB 34_ABB 150_AAA_train 150S_BBB 86S_BBB \
    86S_BBB_train
    """)
  private static let narrow =
    segmentation("122N_CBB 74N_CBB 46N_CBB") + classification("122N_CBX 74N_CBX 46N_CBX")
    + segmentation("122N_CBB_train")
  private static let small = segmentation(
    """
    150_dAAA 134_dAAA 101_dAAA 86_dAAA 56_dAAA 50_dAAA 34_dAAA 18_dAAA 150_dAAC 86_dAAC 34_dAAC 18_dAAC
    """)
  private static let classifiers =
    classification("150_AAX 134_AAX 101_AAX 86_AAX 56_AAX 50_AAX 34_AAX 18_AAX") + segmentation("150_dAAC_train")
  private static let slim =
    segmentation("150S_dBBB 86S_dBBB") + classification("150S_BBX 86S_BBX") + segmentation("86S_dBBB_train")
    + segmentation("86S_dBBB_mobile 78S_dBBB_mobile 54S_dBBB_mobile 40S_dBBB_mobile")
  private static let preDownsampled = segmentation(
    """
    150S_BBB_mobile_pre_down 86S_BBB_mobile_pre_down 78S_BBB_mobile_pre_down 54S_BBB_mobile_pre_down \
    40S_BBB_mobile_pre_down 150S_BCC_mobile_pre_down 86S_BCC_mobile_pre_down 78S_BCC_mobile_pre_down \
    54S_BCC_mobile_pre_down 40S_BCC_mobile_pre_down
    """)
  private static let mobile =
    segmentation(
      """
      150S_BBB_mobile 86S_BBB_mobile 78S_BBB_mobile 54S_BBB_mobile 40S_BBB_mobile 150S_BCC_mobile 86S_BCC_mobile \
      78S_BCC_mobile 54S_BCC_mobile 40S_BCC_mobile
      """)
    + classification("150S_BBX_mobile 86S_BBX_mobile 78S_BBX_mobile 54S_BBX_mobile 40S_BBX_mobile")
    + segmentation("78S_BCC_mobile_pre_down_train")
  private static let mobileNarrow =
    segmentation(
      """
      122NS_CBB_mobile_pre_down 74NS_CBB_mobile_pre_down 46NS_CBB_mobile_pre_down 122NS_CCC_mobile_pre_down \
      74NS_CCC_mobile_pre_down 46NS_CCC_mobile_pre_down 122NS_CBB_mobile 74NS_CBB_mobile 46NS_CBB_mobile \
      122NS_CCC_mobile 74NS_CCC_mobile 46NS_CCC_mobile
      """)
    + classification("122NS_CBX_mobile 74NS_CBX_mobile 46NS_CBX_mobile")
    + segmentation("122NS_CBB_mobile_pre_down_train")

  /// The file of published weights that belongs to a name, relative to the authors' archives.
  ///
  /// `_train` entries start from the ImageNet file of their backbone; mobile and other models of the slim family have
  /// equal shapes and different files.
  public static func weightsFile(for name: String) -> String? {
    guard names.contains(name), let configuration = FFNetConfiguration(name: name) else { return nil }
    let body = name.split(separator: "_").dropFirst()
    let network = String(body.first!)
    var letters = String(body.dropFirst().first!)
    let isImageNet = name.hasPrefix("classification") || name.hasSuffix("_train")
    if isImageNet { letters = configuration.family.imageNetLetters }
    let gpu = configuration.family == .slim && !configuration.isMobile ? "_gpu" : ""
    return "\(network)/\(network)_\(letters)\(gpu)_\(isImageNet ? "imagenet" : "cityscapes")_state_dict_quarts.pth"
  }
}

import XCTest

final class SegImagesPlaceholderTests: XCTestCase {}

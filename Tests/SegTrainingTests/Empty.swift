import XCTest

final class SegTrainingPlaceholderTests: XCTestCase {}

import XCTest

final class SegDataPlaceholderTests: XCTestCase {}

import XCTest

final class SegPipelinesPlaceholderTests: XCTestCase {}

import XCTest

final class SegFormatsPlaceholderTests: XCTestCase {}

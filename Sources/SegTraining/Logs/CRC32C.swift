/// The checksum of Castagnoli's polynomial (iSCSI, RFC 3720), reflected, as TFRecord files use it.
package func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
  ~bytes.reduce(UInt32.max) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
}

private let table: [UInt32] = (0..<256).map { (byte: UInt32) in
  (0..<8).reduce(byte) { bits, _ in bits & 1 == 1 ? bits >> 1 ^ 0x82F6_3B78 : bits >> 1 }
}

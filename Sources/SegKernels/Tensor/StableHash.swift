/// 64-bit FNV-1a of a text's UTF-8: the same in every run and on every machine, as `hashValue` is not.
package func stableHash(_ text: String) -> UInt64 {
  text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

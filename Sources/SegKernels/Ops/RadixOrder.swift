/// Where the largest of many floats are, largest first; equal ones keep their order. None may be negative.
///
/// Bits of floats that are not negative grow with the value, so that three passes of a radix sort over 11 bits each do
/// what a sort by comparison would need some twenty for. Fewer than 2³² values.
func descendingOrder(_ values: UnsafeBufferPointer<Float>) -> [Int32] {
  let count = values.count, digits = 11, mask = UInt64(1) << digits - 1
  let buffers = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * max(count, 1))
  defer { buffers.deallocate() }
  var (source, target) = (buffers, buffers + count)
  var places = [Int](repeating: 0, count: 3 << digits)
  return places.withUnsafeMutableBufferPointer { places in
    for i in 0..<count {
      let key = UInt64(~values[i].bitPattern)
      source[i] = key << 32 | UInt64(i)
      for pass in 0..<3 { places[pass << digits + Int(key >> (pass * digits) & mask)] += 1 }
    }
    for pass in 0..<3 {
      let first = pass << digits, shift = 32 + pass * digits
      var place = 0
      for digit in 0...Int(mask) { (places[first + digit], place) = (place, place + places[first + digit]) }
      for i in 0..<count {
        let digit = first + Int(source[i] >> shift & mask)
        target[places[digit]] = source[i]
        places[digit] += 1
      }
      swap(&source, &target)
    }
    return (0..<count).map { Int32(truncatingIfNeeded: source[$0]) }
  }
}

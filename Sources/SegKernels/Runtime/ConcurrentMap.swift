/// The results of a function for every element, in order, each computed on one thread of the pool.
package func concurrentMap<Element: Sendable, Result: Sendable>(
  _ elements: [Element], _ function: (Element) -> Result
) -> [Result] {
  [Result](unsafeUninitializedCapacity: elements.count) { results, count in
    let results = results.baseAddress
    parallelFor(elements.count) { (results! + $0).initialize(to: function(elements[$0])) }
    count = elements.count
  }
}

/// The bytes in hexadecimal, as other tools read them.
func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

/// Some entries in which two tables differ.
func different<Key: Hashable, Value: Equatable>(_ programs: [Key: Value], _ model: [Key: Value]) -> String {
    Set(programs.keys).union(model.keys).filter { programs[$0] != model[$0] }.prefix(5).map { key in
        """
        \(key):
          model    \(model[key].map { "\($0)" } ?? "none")
          programs \(programs[key].map { "\($0)" } ?? "none")
        """
    }.joined(separator: "\n")
}

/// Bytes from hexadecimal text. `#` begins a comment, `00*12` is a byte repeated. For literals in tests: anything else traps.
func hex(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    for line in text.split(separator: "\n") {
        for word in line.prefix(while: { $0 != "#" }).split(separator: " ") {
            let parts = word.split(separator: "*")
            var value: [UInt8] = []
            var rest = parts[0]
            while !rest.isEmpty {
                value.append(UInt8(rest.prefix(2), radix: 16)!)
                rest = rest.dropFirst(2)
            }
            let count = parts.count == 2 ? Int(parts[1])! : 1
            for _ in 0..<count { bytes += value }
        }
    }
    return bytes
}

func hexText(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

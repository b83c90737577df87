import Foundation

/// The kernel's limits of connection tracking, which are those of the whole machine, raised as long as this object is
/// there: so that what our NAT is held against is not held back.
final class ConnectionTracking {
    private var former: [String: String] = [:]

    /// - Parameter connections: that there is to be room for.
    init(room connections: Int) throws {
        // A bucket for each connection: chains of one on average.
        for name in ["nf_conntrack_buckets", "nf_conntrack_max"] {
            let path = "/proc/sys/net/netfilter/\(name)"
            let found = try String(contentsOfFile: path, encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            guard let limit = Int(found) else { throw BenchError("\(path) holds \(found), and no number") }
            guard limit < connections else { continue }
            try String(connections).write(toFile: path, atomically: false, encoding: .utf8)
            former[path] = found
        }
    }

    deinit {
        for (path, value) in former { try? value.write(toFile: path, atomically: false, encoding: .utf8) }
    }
}

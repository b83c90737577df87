import CAtomics
import FlowAnchorABI
import NetworkTypes

/// `fa_nat_ports`: the slot of the mapping of each outside port that is in use, by protocol, address and port.
struct OutsidePortsView: MapView {
    struct Record: Equatable {
        var outside: Int
        var row: Int
        var port: UInt16
        /// Index in `fa_translations`.
        var mapping: UInt64
    }

    let nat: NATTable
    let configuration: DataPlaneConfiguration

    func scan(_ body: (Record) -> Bool) {
        for outside in 0..<nat.memory.outsideCapacity {
            for row in 0..<Int(FA_NAT_PROTOCOLS) {
                let entries = nat.memory.entry(outside, row: row, port: 0)
                for port in 0..<65536 {
                    let value = ca_load_relaxed_u64(entries + port)
                    guard value != 0 else { continue }
                    let record = Record(outside: outside, row: row, port: UInt16(port), mapping: value - 1)
                    if !body(record) { return }
                }
            }
        }
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (Record) -> Bool {
        let parts = key.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 2, let row = Self.rows.firstIndex(of: String(parts[0])) else {
            throw .invalid("'\(key)' is no outside port: write tcp,ADDRESS:PORT, udp,ADDRESS:PORT or icmp,ADDRESS:ID")
        }
        let (address, port) = try KeyText.outside(String(parts[1]))
        guard let number = configuration.outside.number(of: address) else {
            throw .invalid("\(address) is no outside address")
        }
        return { $0.row == row && $0.outside == number && (port == nil || $0.port == port) }
    }

    func entry(_ record: Record) -> MapEntry {
        let address = configuration.outside.address(number: record.outside)?.description ?? "#\(record.outside)"
        return MapEntry(
            key: "\(Self.rows[record.row]),\(address):\(record.port)", fields: ["mapping": "\(record.mapping)"])
    }

    /// In the order of `FA_NAT_TCP` and so on.
    private static let rows = ["tcp", "udp", "icmp"]
}

import BPFKit
import FlowAnchorABI
import NetworkTypes

/// `fa_nat_fragments`: the ports of packets that came in fragments lately, by bucket.
struct FragmentsView: MapView {
    typealias Record = (bucket: Int, fragment: fa_nat_fragment)

    let maps: SharedMaps
    let clock: TickClock
    let now: UInt32

    func scan(_ body: (Record) -> Bool) throws(DataPlaneError) {
        do throws(BPFError) {
            for bucket in 0..<Int(maps.fragments.description.capacity) {
                guard let fragment = try maps.fragments.value(UInt32(bucket)), fragment.generation != 0,
                    now &- fragment.first_seen <= FA_NAT_FRAGMENT_LIFETIME
                else { continue }
                if !body((bucket, fragment)) { return }
            }
        } catch {
            throw .bpf(error)
        }
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (Record) -> Bool {
        let number = try KeyText.number(key, of: "a bucket")
        return { $0.bucket == number }
    }

    func entry(_ record: Record) -> MapEntry {
        var fields = record.fragment.fields
        fields["age"] = FieldText.seconds(clock.age(of: record.fragment.first_seen, at: now))
        return MapEntry(key: "\(record.bucket)", fields: fields)
    }
}

extension fa_nat_fragment {
    /// All but the time, which is relative to a clock.
    var fields: [String: String] {
        let ports = withUnsafeBytes(of: ports) {
            (UInt16($0[0]) << 8 | UInt16($0[1]), UInt16($0[2]) << 8 | UInt16($0[3]))
        }
        return [
            "transport": KeyText.transport(`protocol`),
            "source": "\(IPAddress(v4: UInt32(bigEndian: source_be)))", "source-port": "\(ports.0)",
            "destination": "\(IPAddress(v4: UInt32(bigEndian: destination_be)))", "destination-port": "\(ports.1)",
            "identification": "\(UInt16(bigEndian: identification_be))",
        ]
    }
}

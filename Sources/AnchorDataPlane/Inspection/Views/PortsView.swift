import FlowAnchorABI
import NetworkTypes

/// `fa_ports`: the interfaces, by their number here or their name.
struct PortsView: MapView {
    typealias Record = (index: Int, port: fa_port)

    let maps: SharedMaps

    func scan(_ body: (Record) -> Bool) {
        for index in 0..<maps.ports.count where maps.ports[index].role != FA_ROLE_UNUSED {
            if !body((index, maps.ports[index])) { return }
        }
    }

    func matcher(_ key: String) -> (Record) -> Bool {
        { "\($0.index)" == key || FieldText.interface($0.port.ifindex) == key }
    }

    func entry(_ record: Record) -> MapEntry { MapEntry(key: "\(record.index)", fields: record.port.fields) }
}

extension fa_port {
    var fields: [String: String] {
        [
            "role": PortRole(rawValue: role)?.text ?? "\(role)",
            "interface": FieldText.interface(ifindex) ?? "none", "interface-index": "\(ifindex)",
            "mac": "\(MACAddress(mac))", "mtu": FieldText.bytes(mtu),
            "addresses": port?.addresses.map(\.description).joined(separator: " ") ?? "",
            "next-up": "\(next_up)", "next-down": "\(next_down)",
        ]
    }
}

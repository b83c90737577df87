import BPFKit

/// `fa_devices`: the interfaces that programs redirect to, by the number of the port or the interface's name.
struct DevicesView: MapView {
    typealias Record = (port: UInt32, interface: UInt32)

    let maps: SharedMaps

    func scan(_ body: (Record) -> Bool) throws(DataPlaneError) {
        do throws(BPFError) {
            for port in 0..<maps.devices.map.description.capacity {
                guard let interface = try maps.devices.interface(port) else { continue }
                if !body((port, UInt32(interface))) { return }
            }
        } catch {
            throw .bpf(error)
        }
    }

    func matcher(_ key: String) -> (Record) -> Bool {
        { "\($0.port)" == key || FieldText.interface($0.interface) == key }
    }

    func entry(_ record: Record) -> MapEntry {
        MapEntry(
            key: "\(record.port)",
            fields: [
                "interface": FieldText.interface(record.interface) ?? "none", "interface-index": "\(record.interface)",
            ])
    }
}

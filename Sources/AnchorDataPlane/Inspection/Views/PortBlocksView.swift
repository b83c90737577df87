import FlowAnchorABI
import NetworkTypes

/// `fa_nat_blocks`: blocks of which ports are taken, by outside address and first port.
struct PortBlocksView: MapView {
    let nat: NATTable
    let configuration: DataPlaneConfiguration

    func scan(_ body: (PortBlock) -> Bool) {
        for index in 0..<UInt32(nat.memory.outsideCapacity * PortBlock.perAddress) where !nat.memory.isUnused(index) {
            if !body(PortBlock(index: index)) { return }
        }
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (PortBlock) -> Bool {
        let (address, port) = try KeyText.outside(key)
        guard let number = configuration.outside.number(of: address) else {
            throw .invalid("\(address) is no outside address")
        }
        return { $0.outside == number && (port == nil || $0.ports.contains(port ?? 0)) }
    }

    func entry(_ block: PortBlock) -> MapEntry {
        let taken = nat.memory.portsInUse(block.index)
        let address = configuration.outside.address(number: block.outside)
        return MapEntry(
            key: "\(address.map(\.description) ?? "#\(block.outside)"):\(block.ports.lowerBound)",
            fields: [
                "block": "\(block.index)", "ports": block.description, "tcp": "\(taken.tcp)", "udp": "\(taken.udp)",
                "icmp": "\(taken.icmp)",
            ])
    }
}

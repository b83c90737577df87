import AnchorCore
import AnchorDataPlane
import Dispatch
import Netlink
import NetworkTypes

/// The mobile node's data plane: programs on tc at each uplink, and the bindings of its own addresses as their tables
/// hold them.
final class KernelForwarding: MobileForwarding {
    private let bindings: OwnAddressTable
    private let dataPlane: KernelDataPlane
    private let table: FlowTable
    private var errors: EventReader?
    private var segmenter: Segmenter?
    /// Uplinks by the interface that the programs were attached to.
    private var attached: [InterfaceID: InterfaceIndex] = [:]

    /// - Parameters:
    ///   - dataPlane: an instance of the mobile node's programs.
    ///   - node: the node's number in the tables.
    init(_ dataPlane: KernelDataPlane, node: UInt32, tunnelTTL: UInt8 = 64, tunnelDSCP: UInt8? = nil) throws {
        self.dataPlane = dataPlane
        table = try dataPlane.flowTable()
        bindings = OwnAddressTable(dataPlane, node: node, tunnelTTL: tunnelTTL, tunnelDSCP: tunnelDSCP)
    }

    func attach(_ uplink: InterfaceID, _ link: Link) throws {
        try bindings.setUplink(uplink, link)
        guard attached[uplink] != link.index else { return }
        _ = try dataPlane.attach(OwnAddressTable.port(of: uplink))
        attached[uplink] = link.index
    }

    func detach(_ uplink: InterfaceID) { attached[uplink] = nil }

    func install(_ binding: AnchorBinding) throws { try bindings.install(binding) }

    func remove(_ address: IPAddress) throws { try bindings.remove(address) }

    func setGateway(_ gateway: IPAddress, mac: MACAddress?, on uplink: InterfaceID) throws {
        try bindings.setGateway(gateway, mac: mac, on: uplink)
    }

    func setMTU(_ mtu: UInt16, of uplink: InterfaceID) throws { try bindings.setMTU(mtu, of: uplink) }

    func setMTU(_ mtu: UInt16?, to anchor: IPAddress) throws { try bindings.setMTU(mtu, to: anchor) }

    func watchErrors(on queue: DispatchQueue, handle: @escaping @Sendable ([UInt8]) -> Void) throws {
        errors = try EventReader(dataPlane, on: queue, failed: { _ in }) { event in
            switch event {
            case .icmpError(_, let packet): handle(packet)
            // Nothing is translated or let in here.
            case .portBlockWanted, .unknownHost: break
            }
        }
    }

    func discardInherited(except kept: Set<IPAddress>) throws {
        var stale: [HostKey] = []
        try dataPlane.scanHosts { entry, _ in
            if !kept.contains(entry.key.address) { stale.append(entry.key) }
            return true
        }
        for key in stale { try dataPlane.removeHost(key) }
    }

    /// Has packets for sequenced tunnels cut before they are numbered; before anything is attached.
    func cutAggregates(instance: String) throws {
        let segmenter = try Segmenter.make(instance: instance, NetlinkSocket())
        try dataPlane.setSegmenter(entrance: Int32(segmenter.entrance), exit: Int32(segmenter.exit))
        self.segmenter = segmenter
    }

    func unload() throws {
        errors?.stop()
        errors = nil
        attached = [:]
        try dataPlane.unload()
        try segmenter?.remove(NetlinkSocket())
    }

    // MARK: Flows

    func flows() throws -> [FlowEntry] {
        var flows: [FlowEntry] = []
        try table.scan {
            flows.append($0)
            return true
        }
        return flows
    }

    func end(_ flows: Set<FlowKey>) throws { try table.end(flows) }

    func remove(where condition: (FlowEntry) -> Bool) throws { try table.remove(where: condition) }
}

import BPFKit
import BPFObjects
import FlowAnchorABI

/// The programs that do the least that a NAT can, with flows in a `BPF_MAP_TYPE_HASH` that is as full as the table.
struct NATReference: ~Copyable {
    private let loaded: LoadedBPFObject

    /// - Parameter fill: entries in relation to the map's size.
    init(_ flows: NATFlows, _ words: NATRouter.Words, fill: Double) throws {
        var object = try BPFObject(path: try BPFObjects.path(of: "reference_nat"))
        try object.setCapacity(of: "reference_flows", to: UInt32(max(4096, Double(2 * flows.count) / fill)))
        let loaded = try object.load()
        let map = try loaded.map("reference_flows", fa_reference_flow.self, fa_reference_rewrite.self)
        let correspondent = UInt32(Family.v4.correspondent.low & 0xffff_ffff).bigEndian
        for (inside, outside) in zip(words.inside, words.outside) {
            let (host, ports) = (UInt32(truncatingIfNeeded: inside), UInt32(inside >> 32))
            let (address, back) = (UInt32(truncatingIfNeeded: outside), UInt32(outside >> 32))
            try map.set(
                fa_reference_flow(source_be: host, destination_be: correspondent, ports: ports, protocol: 17),
                to: Self.rewrite(address, UInt16(back >> 16)))
            try map.set(
                fa_reference_flow(source_be: correspondent, destination_be: address, ports: back, protocol: 17),
                to: Self.rewrite(host, UInt16(ports & 0xffff)))
        }
        self.loaded = loaded
    }

    func program(_ job: NATJob) throws -> BPFProgram { try loaded.program(job.reference) }

    private static func rewrite(_ address: UInt32, _ port: UInt16) -> fa_reference_rewrite {
        var rewrite = fa_reference_rewrite()
        rewrite.address_be = address
        rewrite.port_be = port
        rewrite.outer_source_be = UInt32(Family.v4.endpoint.low & 0xffff_ffff).bigEndian
        rewrite.outer_destination_be = UInt32(Family.v4.peer(0).low & 0xffff_ffff).bigEndian
        rewrite.mac_destination = (2, 0, 0, 0, 0, 1)
        rewrite.mac_source = (2, 0, 0, 0, 0, 3)
        return rewrite
    }
}

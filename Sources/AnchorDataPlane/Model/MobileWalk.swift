import NetworkTypes

/// One packet's walk through an uplink of a mobile node: out in MobileWalk+Leave.swift, in in MobileWalk+ComeIn.swift.
///
/// A packet that its own stack sends, or is to have, is left alone wherever the rows of the specification ask for
/// nothing: a node is a host, and takes no TTL off.
struct MobileWalk: ModelWalking {
    typealias Exit = ModelWalk.Exit

    var tables: ModelDataPlane.Tables
    /// The uplink; `nil` where the packet comes out of the segmenter.
    let index: PortIndex?

    static func exit(_ name: String) -> Exit { ModelWalk.exit(name) }
    static func reason(_ name: String) -> Reason { Reason(name: name)! }

    /// The packet in a frame; what isn't one, or isn't all there, is the stack's.
    static func parse(_ frame: [UInt8]) throws(Exit) -> ModelPacket {
        do { return try ModelPacket(ofMobileNode: frame) } catch { throw .pass }
    }

    /// The entry of one of the node's own addresses, which is in use.
    mutating func own(_ address: IPAddress) -> ModelDataPlane.ModelHost? {
        guard let host = tables.hosts[HostKey(address)], host.entry.isOwn else { return nil }
        tables.touch(host)
        return host
    }

    /// Lowers the segment size in a SYN, either way (RFC 9293, section 3.7.1).
    func clampMSS(_ packet: inout ModelPacket, _ header: ModelPacket.Header) {
        if packet.hasTransport(header, 20) { packet.clampMSS(header, tables.configuration) }
    }
}

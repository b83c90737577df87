import FlowAnchorABI
import NetworkTypes
import PacketKit

/// The frame that a question is about: what is left open in the question follows from the tables.
struct QuestionFrame {
    private let plane: KernelDataPlane
    private let question: PacketQuestion
    /// As the packet has them.
    private let source: ModelNAT.Endpoint
    private let destination: ModelNAT.Endpoint
    /// The source's entry.
    private let host: HostEntry?

    /// A station that nobody has: a locally administered address.
    private static let nobody = MACAddress(bits: 0x02_00_00_00_00_01)

    init(_ question: PacketQuestion, _ plane: KernelDataPlane) throws(DataPlaneError) {
        (self.plane, self.question) = (plane, question)
        let flow = question.flow
        guard flow.local.family == flow.remote.family else {
            throw .invalid("\(flow.local) and \(flow.remote) are not of one family")
        }
        let remote = ModelNAT.Endpoint(address: flow.remote, port: flow.remotePort)
        var local = ModelNAT.Endpoint(address: flow.local, port: flow.localPort)
        if question.isDown, let outside = Self.outside(of: flow, plane) { local = outside }
        (source, destination) = question.isDown ? (remote, local) : (local, remote)
        host = try plane.host(HostKey(source.address))
    }

    /// What the correspondent knows the flow's host by.
    private static func outside(of flow: FlowKey, _ plane: KernelDataPlane) -> ModelNAT.Endpoint? {
        slot(NATKind.up, of: flow, plane).map { slot in
            .init(
                address: IPAddress(v4: UInt32(bigEndian: slot.address_be)), port: UInt16(bigEndian: slot.port_be))
        }
    }

    /// A flow of a host, translated here or elsewhere.
    private static func slot(_ kind: UInt8, of flow: FlowKey, _ plane: KernelDataPlane) -> fa_translation? {
        guard let transport = ModelNAT.Transport(rawValue: flow.transport), flow.local.isV4 else { return nil }
        let tuple = ModelNAT.Tuple(
            transport: transport, local: .init(address: flow.local, port: flow.localPort),
            remote: .init(address: flow.remote, port: transport == .icmp ? 0 : flow.remotePort))
        let memory = plane.nat.memory
        return memory.find(TranslationKey(fa_nat_key(kind, tuple))).map { memory.translations.slots[$0.index] }
    }

    /// Where packets of a flow to a host here come from, if it began at another router.
    private func anchor() throws(DataPlaneError) -> IPAddress? {
        let flow = question.flow
        if let away = Self.slot(NATKind.away, of: flow, plane) { return plane.routers[Int(away.router)]?.address }
        let host = try plane.host(HostKey(flow.local))
        let isInside = plane.configuration.inside.contains { $0.contains(flow.local) }
        guard let host, host.attachment != nil, host.previous != 0, !isInside else { return nil }
        return plane.routers[Int(host.previous) - 1]?.address
    }

    func encoded() throws(DataPlaneError) -> (frame: [UInt8], port: PortIndex) {
        let (index, port) = try ingress()
        let station = host?.attachment.flatMap { $0.port == index ? $0 : nil }
        var ethernet = Layer.Ethernet(
            destination: port.mac, source: question.station ?? station?.mac ?? Self.nobody)
        if let vlan = station?.vlan, vlan != 0 { ethernet.tags = [vlan] }
        return (Frame.encode([.ethernet(ethernet)] + (try outer(on: port)) + (try packet())), index)
    }

    // MARK: Where it comes in

    private func ingress() throws(DataPlaneError) -> (PortIndex, Port) {
        let ports = plane.state.withLock { $0.ports }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        if let name = question.interface {
            if let found = ports.first(where: { $0.1.name == name }) { return found }
            let names = ports.map(\.1.name).joined(separator: ", ")
            throw .invalid("no program is on an interface '\(name)'; there are: \(names)")
        }
        if question.tunnel == nil, !question.isDown {
            if let attachment = host?.attachment, let port = plane.port(attachment.port) {
                return (attachment.port, port)
            }
            let isOfPool = plane.configuration.pools.contains { $0.contains(source.address) }
            if host == nil, isOfPool, let found = ports.first(where: { $0.1.role == .access }) { return found }
        }
        guard let found = ports.first(where: { $0.1.role == .core }) else {
            throw .invalid("no program is on an interface to the core; say where the packet comes in")
        }
        return found
    }

    private func outer(on port: Port) throws(DataPlaneError) -> [Layer] {
        var tunnel = question.tunnel
        if tunnel == nil, question.interface == nil { tunnel = try usualTunnel(on: port) }
        guard let tunnel else { return [] }
        guard tunnel.source.family == tunnel.destination.family else {
            throw .invalid("the tunnel's ends, \(tunnel.source) and \(tunnel.destination), are not of one family")
        }
        let gre: [Layer] =
            tunnel.key == nil && tunnel.sequence == nil
            ? [] : [.gre(.init(key: tunnel.key, sequence: tunnel.sequence))]
        return [Self.ip(tunnel.source, tunnel.destination)] + gre
    }

    /// The tunnel that such packets are in: of a host that is elsewhere from there, and of a flow that began elsewhere
    /// from there.
    private func usualTunnel(on port: Port) throws(DataPlaneError) -> PacketQuestion.Tunnel? {
        func own(_ peer: IPAddress) -> IPAddress? {
            plane.configuration.endpoints.first { $0.family == peer.family }
        }
        guard port.role == .core else { return nil }
        if question.isDown {
            guard let anchor = try anchor(), let own = own(anchor) else { return nil }
            return .init(source: anchor, destination: own)
        }
        guard let known = host?.tunnel, let own = own(known.peer) else { return nil }
        guard case .gre(let key, let isSequenced) = known.kind else {
            return .init(source: known.peer, destination: own)
        }
        let sequence = isSequenced ? try nextSequence() : nil
        return .init(source: known.peer, destination: own, key: key, sequence: sequence)
    }

    /// The number behind the last one that came from the host.
    private func nextSequence() throws(DataPlaneError) -> UInt32 {
        var copy = try TablesCopy(plane)
        _ = try copy.fetch([.host(source.address)])
        return (copy.tables.hosts[HostKey(source.address)]?.receiveSequence ?? 0) &+ 1
    }

    // MARK: The packet

    private static func ip(_ source: IPAddress, _ destination: IPAddress, number: UInt8? = nil) -> Layer {
        guard source.isV4 else {
            var header = Layer.IPv6(source, destination)
            header.nextHeader = number
            return .ipv6(header)
        }
        var header = Layer.IPv4(source, destination)
        header.protocolNumber = number
        return .ipv4(header)
    }

    private func packet() throws(DataPlaneError) -> [Layer] {
        var layers = [Self.ip(source.address, destination.address, number: question.flow.transport)]
        switch question.flow.transport {
        case 6:
            layers.append(
                .tcp(.init(source.port, destination.port, flags: question.opens ? Layer.TCP.syn : Layer.TCP.ack)))
        case 17: layers.append(.udp(.init(source.port, destination.port)))
        case 1, 58:
            let types: (request: UInt8, reply: UInt8) = question.flow.transport == 1 ? (8, 0) : (128, 129)
            let identifier = question.isDown ? destination.port : source.port
            let type = question.isDown ? types.reply : types.request
            layers.append(.icmp(.init(type: type, rest: UInt32(identifier) << 16 | 1)))
        default: break
        }
        let least = Frame.encode(layers).count
        guard (least...Int(UInt16.max)).contains(question.length) else {
            throw .invalid("a packet of this protocol has \(least) to \(UInt16.max) bytes, not \(question.length)")
        }
        return layers + [.payload([UInt8](repeating: 0, count: question.length - least))]
    }
}

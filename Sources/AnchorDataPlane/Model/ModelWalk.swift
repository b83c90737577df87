import NetworkTypes

extension ModelDataPlane {
    /// Takes a frame in on a port and says what becomes of it; counts it, and changes what its host has counted.
    /// - Parameter aggregate: what the interface has merged into one, on a mobile node's uplink.
    public func process(_ frame: [UInt8], on index: PortIndex, aggregate: ModelAggregate? = nil) -> ModelOutcome {
        tables.withLock { tables in
            guard let port = tables.ports[index] else { return ModelOutcome(verdict: .pass, bytes: frame) }
            guard port.role == .mobile else {
                return tables.run(ModelWalk(tables: tables, index: index, port: port)) { $0.run(frame) }
            }
            return tables.run(MobileWalk(tables: tables, index: index)) { $0.comeIn(frame, on: port, aggregate) }
        }
    }

    /// The same for a frame that a mobile node sends by an uplink.
    /// - Parameter index: the uplink; `nil` for what comes out of the segmenter.
    public func send(
        _ frame: [UInt8], on index: PortIndex?, aggregate: ModelAggregate? = nil, cutting: ModelCutting = .none
    ) -> ModelOutcome {
        tables.withLock { tables in
            tables.run(MobileWalk(tables: tables, index: index)) { $0.leave(frame, aggregate, cutting) }
        }
    }
}

/// What a walk is over.
protocol ModelWalking {
    var tables: ModelDataPlane.Tables { get set }
}

extension ModelDataPlane.Tables {
    fileprivate mutating func run<Walk: ModelWalking>(
        _ walk: consuming Walk, _ body: (inout Walk) -> ModelOutcome
    ) -> ModelOutcome {
        // Held once only, or each change would copy them.
        self = Self()
        let outcome = body(&walk)
        if let reason = outcome.reason { walk.tables.counts[reason, default: 0] += 1 }
        self = walk.tables
        return outcome
    }
}

/// One packet's walk through an access router [0043b]–[0048].
struct ModelWalk: ModelWalking {
    var tables: ModelDataPlane.Tables
    let index: PortIndex
    let port: Port

    /// Where a packet is to go.
    struct Action {
        var path: PathIndex
        var reason: Reason
        /// The packet is routed here.
        var decrements = false
        /// Whose entry gives what the path doesn't.
        var host: ModelDataPlane.ModelHost?
        var sequence: UInt32 = 0
        /// The other router that it goes to.
        var router: IPAddress?
    }

    /// The end of a packet that isn't sent.
    enum Exit: Error {
        case pass
        case reason(Reason)
        /// Handed to the daemon.
        case held

        /// - Parameters:
        ///   - bytes: the frame as far as it was changed.
        ///   - frame: as it came.
        func outcome(bytes: [UInt8], _ frame: [UInt8]) -> ModelOutcome {
            switch self {
            case .pass: ModelOutcome(verdict: .pass, bytes: bytes)
            case .held: ModelOutcome(verdict: .drop, reason: Reason(name: "held")!, bytes: frame)
            case .reason(let reason) where reason.kind == .drop:
                ModelOutcome(verdict: .drop, reason: reason, bytes: frame)
            case .reason(let reason): ModelOutcome(verdict: .pass, reason: reason, bytes: bytes)
            }
        }
    }

    /// What a packet that is routed has behind it.
    enum Routing {
        case plain, afterServer, bypass
    }

    /// By the name of the reason.
    static func exit(_ name: String) -> Exit { .reason(Reason(name: name)!) }
    var configuration: DataPlaneConfiguration { tables.configuration }

    mutating func run(_ frame: [UInt8]) -> ModelOutcome {
        var bytes = frame
        do throws(Exit) {
            var packet = try parse(frame)
            defer { bytes = packet.bytes }
            switch port.role {
            case .access: return try fromHost(&packet)
            case .core: return try fromCore(&packet)
            case .serverInside, .serverOutside, .serverOneLeg: return try fromServer(&packet)
            case .mobile: throw .pass
            }
        } catch {
            return error.outcome(bytes: bytes, frame)
        }
    }

    private func parse(_ frame: [UInt8]) throws(Exit) -> ModelPacket {
        do throws(ModelPacket.Malformation) {
            let packet = try ModelPacket(frame)
            guard packet.isWhole else { throw ModelPacket.Malformation.malformed }
            return packet
        } catch {
            throw error == .notIP ? .pass : Self.exit("malformed")
        }
    }

    // MARK: By the role of the interface

    private mutating func fromHost(_ packet: inout ModelPacket) throws(Exit) -> ModelOutcome {
        let header = packet.network
        guard header.source.isGlobal, header.destination.isGlobal else { throw .pass }
        var isForUs = configuration.endpoints.contains(header.destination)
        if port.addresses.contains(header.destination) || isForUs && !header.isTunnel {
            guard hairpins(packet, header) else { throw .pass }
            isForUs = false
        }
        guard let host = host(header.source) else {
            if isLetIn(header.source) { throw .held }
            throw configuration.unknownSourcePasses ? .pass : Self.exit("source_unknown")
        }
        let station = HostAttachment(mac: MACAddress(bytes: packet.bytes[6..<12])!, vlan: packet.vlan, port: index)
        guard host.entry.attachment == station else {
            throw host.entry.isUnaware ? .held : Self.exit("source_not_here")
        }
        if host.entry.isClaimed { throw .held }
        touch(host)
        if isForUs { return try leaveTunnel(&packet) }
        if host.entry.roams { return try roam(&packet, header, host) }
        if header.isTunnel && isOfOtherAnchor(packet, \.source) {
            return try send(&packet, header, try route(header, .bypass))
        }
        try dropSecondCopy(packet, header, host, .attached)
        packet.clampMSS(header, configuration)
        return try send(&packet, header, try uplink(host, header))
    }

    private mutating func fromCore(_ packet: inout ModelPacket) throws(Exit) -> ModelOutcome {
        var header = packet.network
        if header.isTunnel && configuration.endpoints.contains(header.destination) { return try leaveTunnel(&packet) }
        try comeIn(&packet)
        header = packet.network
        guard let host = host(header.destination) else {
            throw isErrorAboutTunnel(packet) ? Self.exit("to_kernel_icmp") : .pass
        }
        touch(host)
        if header.isTunnel && isOfOtherAnchor(packet, \.destination) {
            var action = try deliver(host)
            action.reason = Reason(name: "bypassed")!
            return try send(&packet, header, action)
        }
        packet.clampMSS(header, configuration)
        return try send(&packet, header, try downlink(host))
    }

    private mutating func fromServer(_ packet: inout ModelPacket) throws(Exit) -> ModelOutcome {
        let header = packet.network
        guard header.source.isGlobal, header.destination.isGlobal, !port.addresses.contains(header.destination) else {
            throw .pass
        }
        let isUp = port.role == .serverOneLeg ? host(header.source) != nil : port.role == .serverOutside
        let next = isUp ? port.nextUp : port.nextDown
        if next != 0 { return try send(&packet, header, Action(path: next, reason: Reason(name: "to_server")!)) }
        if isUp { return try send(&packet, header, try route(header, .afterServer)) }
        guard let host = host(header.destination) else { throw Self.exit("to_kernel_route") }
        return try send(&packet, header, try deliver(host))
    }

    // MARK: What it is

    private func isErrorAboutTunnel(_ packet: ModelPacket) -> Bool {
        let header = packet.network
        guard header.number == 1 || header.number == 58, header.fragment == .none,
            configuration.endpoints.contains(header.destination), header.payload + 8 <= packet.bytes.count,
            header.payload + 8 <= ModelPacket.furthestHeader
        else { return false }
        let type = packet.bytes[header.payload]
        guard ModelAnswer.isError(number: header.isV4 ? 1 : 58, type: type),
            let quoted = try? ModelPacket.header(packet.bytes, at: header.payload + 8, isV4: header.isV4)
        else { return false }
        return quoted.isTunnel && configuration.endpoints.contains(quoted.source)
    }

    // MARK: Where to

    mutating func uplink(
        _ host: ModelDataPlane.ModelHost, _ header: ModelPacket.Header
    ) throws(Exit) -> Action {
        if let (up, _) = try chain(of: host) { return Action(path: up, reason: Reason(name: "to_server")!) }
        return try route(header, .plain)
    }

    private mutating func downlink(_ host: ModelDataPlane.ModelHost) throws(Exit) -> Action {
        if let (_, down) = try chain(of: host) { return Action(path: down, reason: Reason(name: "to_server")!) }
        return try deliver(host)
    }

    private func chain(of host: ModelDataPlane.ModelHost) throws(Exit) -> (up: PathIndex, down: PathIndex)? {
        if host.entry.isRefused { throw Self.exit("server_down") }
        guard host.entry.chain != 0 else { return nil }
        tables.trace?.note(.chain(host.entry.chain))
        switch tables.chains[host.entry.chain] ?? .bypass {
        case .through(let up, let down): return (up, down)
        case .bypass: return nil
        case .refuse: throw Self.exit("server_down")
        }
    }

    private mutating func route(_ header: ModelPacket.Header, _ mode: Routing) throws(Exit) -> Action {
        let destination = header.destination
        if configuration.pools.contains(where: { $0.contains(destination) }) {
            return try routeLocal(destination, mode)
        }
        let reason = Reason(name: mode == .bypass ? "bypassed" : "forwarded")!
        var action = Action(path: 0, reason: reason, decrements: configuration.decrementsTTL)
        let routes = configuration.routes.sorted { $0.prefix.length > $1.prefix.length }
        action.path =
            routes.first { $0.prefix.contains(destination) }?.path
            ?? tables.pathByKernel
            ?? (header.isV4 ? configuration.defaultPathV4 : configuration.defaultPathV6)
        tables.trace?.note(.route(destination, action.path))
        guard action.path != 0 else { throw Self.exit("no_route") }
        return action
    }

    /// To one of this router's own hosts.
    mutating func routeLocal(_ destination: IPAddress, _ mode: Routing) throws(Exit) -> Action {
        guard let host = host(destination) else { throw Self.exit("to_kernel_route") }
        touch(host)
        if mode == .bypass { return try deliver(host) }
        let action = try downlink(host)
        // It would go out of the leg that it came in by: it has passed this server already.
        let isBack =
            mode == .afterServer && action.reason.name == "to_server"
            && tables.path(action.path).flatMap(tables.port) == index
        return isBack ? try deliver(host) : action
    }

    mutating func deliver(_ host: ModelDataPlane.ModelHost) throws(Exit) -> Action {
        var action = Action(
            path: 0, reason: Reason(name: "delivered")!, decrements: configuration.decrementsTTL, host: host)
        let entry = host.entry
        if let attachment = entry.attachment, entry.tunnel == nil || !entry.prefersTunnel {
            action.host?.entry.tunnel = nil
            action.path = tables.indices[PathSpecification(nextHop: .host(port: attachment.port))] ?? 0
            return action
        }
        guard let tunnel = entry.tunnel else { throw Self.exit("no_route") }
        action.host?.entry.attachment = nil
        action.path = tunnel.path
        if case .gre(_, sequenced: true) = tunnel.kind {
            action.sequence = host.transmitSequence
            tables.hosts[entry.key]?.transmitSequence &+= 1
        }
        return action
    }

    // MARK: Tables

    func host(_ address: IPAddress) -> ModelDataPlane.ModelHost? {
        tables.trace?.note(.host(address))
        return tables.hosts[HostKey(address)]
    }
    mutating func touch(_ host: ModelDataPlane.ModelHost) { tables.touch(host) }
    func isPeer(_ address: IPAddress) -> Bool { tables.isPeer(address) }

    mutating func dropSecondCopy(
        _ packet: ModelPacket, _ header: ModelPacket.Header, _ host: ModelDataPlane.ModelHost,
        _ way: DuplicateFilter.Way
    ) throws(Exit) {
        let entry = host.entry
        guard entry.isBicast, entry.attachment != nil, entry.tunnel != nil else { return }
        guard tables.duplicates.isNew(packet.content(of: header), on: way) else { throw Self.exit("duplicate") }
    }
}

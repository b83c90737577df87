import NetworkTypes

/// Hosts that know nothing of this router: no lease, no keys [0077]. Who sends from an address of a block that is set
/// aside for them is let in by the first packet, at the station that it came from.
///
/// There is nothing to tell one from another but its station, so an address stays with the one that has it until that
/// one has been silent for a while: nobody takes over what another is using (T5).
public struct UnawareHosts: Sendable {
    /// A link, and the blocks whose addresses need no lease on it.
    public struct Link: Sendable {
        public var interface: InterfaceID
        public var blocks: [IPPrefix]
        public var gateways: [IPAddress]
        /// Name of the server chain; `nil` for none.
        public var chain: String?

        public init(interface: InterfaceID, blocks: [IPPrefix], gateways: [IPAddress], chain: String?) {
            self.interface = interface
            self.blocks = blocks
            self.gateways = gateways
            self.chain = chain
        }
    }

    /// What is to be done about a first packet.
    public enum Decision: Hashable, Sendable {
        /// Put the binding in force, then send the packet on.
        case letIn(HostBinding)
        /// The same for a host that was at another station or link.
        case move(HostBinding)
        /// It is in already: send the packet on.
        case known
        case refuse(Refusal)
    }

    public enum Refusal: String, Hashable, Sendable, CaseIterable {
        /// The address isn't of a block of that link, or is none that a host can have.
        case address
        /// Another station has it, and was heard of lately.
        case occupied
        /// The station has as many addresses as it may.
        case quota
    }

    private struct Host {
        var neighbour: Neighbour
        var lastSeen: MonotonicInstant
    }

    private let links: [InterfaceID: Link]
    /// Addresses that one station may have at once (T3).
    public let limit: Int
    /// How long an address stays with a silent station when another one claims it.
    public let patience: TimeSpan
    /// After that without a packet a host is forgotten.
    public let inactivity: TimeSpan
    private var hosts: [IPAddress: Host] = [:]
    private var addresses: [MACAddress: Set<IPAddress>] = [:]

    public init(_ links: [Link], limit: Int, patience: TimeSpan, inactivity: TimeSpan) {
        self.links = Dictionary(links.map { ($0.interface, $0) }) { first, _ in first }
        self.limit = limit
        self.patience = patience
        self.inactivity = inactivity
    }

    public var isEmpty: Bool { hosts.isEmpty }
    public func holds(_ address: IPAddress) -> Bool { hosts[address] != nil }
    /// All hosts, by address, and where they are.
    public var all: [(IPAddress, Neighbour)] { hosts.sorted { $0.key < $1.key }.map { ($0.key, $0.value.neighbour) } }
    /// Where a host is.
    public func neighbour(of address: IPAddress) -> Neighbour? { hosts[address]?.neighbour }
    /// Addresses that a station has here.
    public func addresses(of station: MACAddress) -> [IPAddress] { Array(addresses[station] ?? []) }
    /// Stations with hosts, and where they are.
    public var stations: [Neighbour] {
        addresses.values.compactMap { $0.first.flatMap { hosts[$0]?.neighbour } }
    }

    /// After a restart: a host that the data plane has. One that the configuration has no place for is left out.
    /// - Returns: whether it is one of these.
    public mutating func adopt(_ address: IPAddress, _ neighbour: Neighbour, at now: MonotonicInstant) -> Bool {
        guard let link = links[neighbour.interface], admits(address, on: link) else { return false }
        insert(address, Host(neighbour: neighbour, lastSeen: now))
        return true
    }

    /// A packet came from an address of which the programs know no host, or one at another station.
    public mutating func see(
        _ address: IPAddress, from neighbour: Neighbour, at now: MonotonicInstant
    ) -> Decision {
        guard let link = links[neighbour.interface], admits(address, on: link), !neighbour.mac.isGroup,
            neighbour.mac != .zero
        else { return .refuse(.address) }
        guard let host = hosts[address] else {
            guard addresses[neighbour.mac, default: []].count < limit else { return .refuse(.quota) }
            insert(address, Host(neighbour: neighbour, lastSeen: now))
            return .letIn(binding(address, neighbour, link))
        }
        if host.neighbour == neighbour { return .known }
        if host.neighbour.mac != neighbour.mac {
            guard now - host.lastSeen >= patience else { return .refuse(.occupied) }
            guard addresses[neighbour.mac, default: []].count < limit else { return .refuse(.quota) }
        }
        remove(address)
        insert(address, Host(neighbour: neighbour, lastSeen: now))
        return .move(binding(address, neighbour, link))
    }

    public mutating func note(_ activity: [HostActivity]) {
        guard !hosts.isEmpty else { return }
        for seen in activity {
            guard let host = hosts[seen.address], host.lastSeen < seen.lastSeen else { continue }
            hosts[seen.address]?.lastSeen = seen.lastSeen
        }
    }

    /// Forgets hosts that have been silent for too long.
    /// - Returns: their addresses, to be taken out.
    public mutating func expire(at now: MonotonicInstant) -> [IPAddress] {
        let silent = hosts.filter { now - $0.value.lastSeen >= inactivity }.keys.sorted()
        for address in silent { remove(address) }
        return silent
    }

    /// - Returns: whether there was one.
    public mutating func delete(_ address: IPAddress) -> Bool {
        guard hosts[address] != nil else { return false }
        remove(address)
        return true
    }

    private func binding(_ address: IPAddress, _ neighbour: Neighbour, _ link: Link) -> HostBinding {
        HostBinding(
            address: address, node: neighbour.mac.bits, location: .attached(neighbour), chain: link.chain,
            isUnaware: true)
    }

    /// Neither a gateway nor, in IPv4, a block's first or last address, which mean all of it.
    private func admits(_ address: IPAddress, on link: Link) -> Bool {
        guard let block = link.blocks.first(where: { $0.contains(address) }), !link.gateways.contains(address) else {
            return false
        }
        guard address.isV4, block.length < 31 else { return true }
        let rest = UInt32.max >> UInt32(block.length)
        let bits = (address.v4Bits ?? 0) & rest
        return bits != 0 && bits != rest
    }

    private mutating func insert(_ address: IPAddress, _ host: Host) {
        hosts[address] = host
        addresses[host.neighbour.mac, default: []].insert(address)
    }

    private mutating func remove(_ address: IPAddress) {
        guard let host = hosts.removeValue(forKey: address) else { return }
        addresses[host.neighbour.mac]?.remove(address)
        if addresses[host.neighbour.mac]?.isEmpty == true { addresses[host.neighbour.mac] = nil }
    }
}

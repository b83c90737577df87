import NetworkTypes

@testable import AnchorDataPlane

/// Hosts of a `NATWorld` that know nothing and roam between routers, and the other routers, from a seed.
struct RoamingWorld {
    /// How a host is shared; what is not named of it is as in `DifferentialWorld`.
    struct Sharing {
        var kind: DifferentialWorld.Kind
        var family: AddressFamily
        var anchors: UInt32
        var previous: UInt32
        var isAsked = false
        var isClaimed = false
        var isDraining = false
        /// Routers whose packets for it are sent on to where it is.
        var admitted: Set<Int> = []
    }

    /// The first one is where some hosts are; the last one has another way to it than this world.
    static let routers = ["203.0.113.9", "203.0.113.21", "2001:db8:9::21", "203.0.113.22"].map { IPAddress($0)! }
    /// Index of a router that nobody has told of.
    static let unknown: UInt32 = 9

    private static let here: [DifferentialWorld.Kind] = [
        .attached, .attachedWithServers, .attachedOnVLAN, .bypassingServers, .refused,
    ]
    private static let gone: [DifferentialWorld.Kind] = [
        .overV4, .overV6, .tunnelledWithServers, .narrow, .unresolved, .former,
    ]

    let sharings: [Sharing]
    /// Those that are told of.
    let isTold: [Bool]

    init(_ random: inout RandomLayers) {
        let isUsed = !random.chance(4)
        isTold = Self.routers.map { _ in isUsed && !random.chance(8) }
        sharings = (Self.here + Self.gone).flatMap { kind in
            AddressFamily.allCases.compactMap { family in
                guard isUsed, !random.chance(4) else { return nil }
                let isHere = Self.here.contains(kind)
                let previous = random.chance(2) ? 0 : 1 + random.number(below: 4)
                return Sharing(
                    kind: kind, family: family, anchors: isHere ? random.number(below: 16) : 0,
                    previous: random.chance(20) ? Self.unknown : previous,
                    isAsked: !isHere && !random.chance(3), isClaimed: isHere && random.chance(10),
                    isDraining: isHere && random.chance(10),
                    admitted: isHere ? [] : Set((0..<4).filter { _ in random.chance(3) }))
            }
        }
    }

    /// As `DifferentialWorld` has them, but for what is shared.
    func make(in plane: some DataPlane) throws {
        let next = NextHop.neighbour(IPAddress("192.0.2.254")!, port: DifferentialWorld.core)
        for (index, address) in Self.routers.enumerated() {
            let source = DifferentialWorld.endpoints[address.isV4 ? 0 : 1]
            let path = try plane.path(
                for: PathSpecification(
                    nextHop: next, encapsulation: Encapsulation(source: source, kind: .ipip),
                    pathMTU: index == 3 ? 700 : nil))
            try plane.setRouter(index, isTold[index] ? RouterEntry(address: address, path: path) : nil)
        }
        for kind in Self.here + Self.gone {
            for family in AddressFamily.allCases { try share(kind, family, in: plane) }
        }
    }

    private func share(_ kind: DifferentialWorld.Kind, _ family: AddressFamily, in plane: some DataPlane) throws {
        let address = DifferentialWorld.host(kind, family)
        let sharing = sharings.first { $0.kind == kind && $0.family == family }
        guard var entry = try plane.host(HostKey(address)) else { return }
        entry.isUnaware = sharing != nil
        entry.anchors = sharing?.anchors ?? 0
        entry.previous = sharing?.previous ?? 0
        entry.isAsked = sharing?.isAsked ?? false
        entry.isClaimed = sharing?.isClaimed ?? false
        entry.isDraining = sharing?.isDraining ?? false
        try plane.setHost(entry)
        // Admitted in the other world, too: a care-of address that it has just left.
        for (index, router) in Self.routers.enumerated() {
            try plane.setAdmittedPeer(router, of: address, isAdmitted: sharing?.admitted.contains(index) == true)
        }
    }
}

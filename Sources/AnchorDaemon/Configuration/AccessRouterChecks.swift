import AnchorDataPlane
import NetworkTypes

/// What must hold between the settings of an access router, beyond each one by itself.
struct AccessRouterChecks {
    private let settings: AccessRouterSettings
    private let reader: TableReader

    init(_ settings: AccessRouterSettings, _ reader: TableReader) {
        self.settings = settings
        self.reader = reader
    }

    func run() {
        checkEndpoints()
        checkInterfaces()
        checkLinks()
        checkServers()
        checkNodes()
    }

    private func checkEndpoints() {
        for family in AddressFamily.allCases {
            let places = settings.endpoints.indices.filter { settings.endpoints[$0].family == family }
            for place in places.dropFirst() {
                reader.problem("endpoints[\(place)]", "a second IP\(family) endpoint; at most one a family is used")
            }
        }
        for (place, endpoint) in settings.endpoints.enumerated() {
            if endpoint.isUnspecified || endpoint.isMulticast || endpoint.isLoopback || endpoint.isLinkLocal {
                reader.problem("endpoints[\(place)]", "\(endpoint) can't be reached from other routers' networks")
            }
            for (number, link) in settings.access.enumerated()
            where link.blocks.contains(where: { $0.contains(endpoint) }) {
                let isGateway = link.gateways.contains { $0.address == endpoint }
                if !isGateway {
                    reader.problem(
                        "endpoints[\(place)]", "\(endpoint) is in a pool of access[\(number)] and could be leased")
                }
            }
        }
        if settings.endpoints.isEmpty, reader.has("endpoints") { reader.problem("endpoints", "at least one is needed") }
        if settings.coreInterfaces.isEmpty, reader.has("core-interfaces") {
            reader.problem("core-interfaces", "at least one is needed")
        }
    }

    /// Each interface has one role.
    private func checkInterfaces() {
        var owners: [String: String] = [:]
        func claim(_ name: String, _ key: String, _ role: String) {
            guard !name.isEmpty else { return }
            if let owner = owners[name] {
                reader.problem(key, "interface '\(name)' is \(owner) already")
            } else {
                owners[name] = role
            }
        }
        for (place, name) in settings.coreInterfaces.enumerated() {
            claim(name, "core-interfaces[\(place)]", "a core interface")
        }
        for (place, link) in settings.access.enumerated() {
            claim(link.interface, "access[\(place)].interface", "an access link")
        }
        for (place, server) in settings.servers.enumerated() {
            let keys = server.interfaces.count == 1 ? ["interface"] : ["inside", "outside"]
            for (key, name) in zip(keys, server.interfaces) {
                claim(name, "server[\(place)].\(key)", "a leg of server '\(server.name)'")
            }
        }
        if owners.count >= Port.limit {
            reader.problem("", "\(owners.count) interfaces; at most \(Port.limit - 1) are possible")
        }
        if settings.access.isEmpty, !reader.has("access") {
            reader.problem("", "access is missing: at least one [[access-router.access]]")
        }
    }

    private func checkLinks() {
        var blocks: [(IPPrefix, String)] = []
        for (place, link) in settings.access.enumerated() {
            let own = link.pools.enumerated().map { ($1, "access[\(place)].pools[\($0)]") }
            let others = link.unaware.enumerated().map { ($1, "access[\(place)].unaware[\($0)]") }
            for (pool, key) in own + others {
                if let other = blocks.first(where: { $0.0.contains(pool) || pool.contains($0.0) }) {
                    reader.problem(key, "\(pool) overlaps \(other.0) of \(other.1)")
                }
                if !link.gateways.isEmpty, !link.gateways.contains(where: { $0.address.family == pool.family }) {
                    reader.problem(key, "the link has no IP\(pool.family) gateway for \(pool)")
                }
                blocks.append((pool, key))
            }
            let advertised = link.unaware.filter { block in
                block.family == .v6 && block.length == 64 && link.gateways.contains { block.contains($0.address) }
            }
            if link.advertises, advertised.isEmpty {
                reader.problem(
                    "access[\(place)].advertise",
                    "the link has no IPv6 gateway in a block of 64 bits of unaware, which nodes could have addresses of"
                )
            }
            for family in AddressFamily.allCases {
                let places = link.gateways.indices.filter { link.gateways[$0].address.family == family }
                for number in places.dropFirst() {
                    reader.problem("access[\(place)].gateway[\(number)]", "a second IP\(family) gateway on the link")
                }
            }
        }
        if blocks.count > DataPlaneConfiguration.poolLimit {
            reader.problem("access", "\(blocks.count) pools; at most \(DataPlaneConfiguration.poolLimit) are possible")
        }
    }

    /// A server has one place: its neighbours in a chain are the same in each chain that it is part of.
    private func checkServers() {
        for (place, server) in settings.servers.enumerated() where !server.name.isEmpty {
            if settings.servers.prefix(place).contains(where: { $0.name == server.name }) {
                reader.problem("server[\(place)].name", "a second server '\(server.name)'")
            }
        }
        let known = settings.servers.map(\.name)
        var following: [String: Follower] = [:]
        for (place, link) in settings.access.enumerated() {
            for (number, name) in (link.servers ?? []).enumerated() {
                let key = "access[\(place)].servers[\(number)]"
                if !known.contains(name) {
                    let meant = NearestName.of(name, among: known).map { "; did you mean '\($0)'?" } ?? ""
                    reader.problem(key, "there is no server '\(name)'" + meant)
                }
                if link.servers?.prefix(number).contains(name) == true {
                    reader.problem(key, "'\(name)' is listed twice")
                }
            }
            let chain = link.servers ?? known
            for (number, name) in chain.enumerated() {
                let next: String? = number + 1 < chain.count ? chain[number + 1] : nil
                guard let known = following[name] else {
                    following[name] = Follower(name: next, link: place)
                    continue
                }
                if known.name == next { continue }
                reader.problem(
                    "access[\(place)].servers",
                    "'\(name)' is followed by \(quoted(next)) here and by \(quoted(known.name)) in access[\(known.link)]; "
                        + "what follows a server is the same for all links")
            }
        }
    }

    /// What comes after a server, and the link that said so.
    private struct Follower {
        var name: String?
        var link: Int
    }

    private func quoted(_ name: String?) -> String { name.map { "'\($0)'" } ?? "none" }

    private func checkNodes() {
        var ids: Set<UInt64> = []
        var indices: Set<UInt32> = []
        for (place, node) in settings.nodes.enumerated() {
            if node.id != 0, !ids.insert(node.id).inserted {
                reader.problem("node[\(place)].id", "a second node \(node.id)")
            }
            if node.spi != 0, !indices.insert(node.spi).inserted {
                reader.problem("node[\(place)].spi", "\(node.spi) is another node's")
            }
        }
    }
}

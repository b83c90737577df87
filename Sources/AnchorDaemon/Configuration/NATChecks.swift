import AnchorDataPlane
import NetworkTypes

/// What must hold between the settings of `[access-router.nat]`, and between them and the access links.
struct NATChecks {
    private let settings: NATSettings
    private let reader: TableReader
    private let access: [AccessLinkSettings]

    init(_ settings: NATSettings, _ reader: TableReader, access: [AccessLinkSettings]) {
        self.settings = settings
        self.reader = reader
        self.access = access
    }

    /// - Parameters: whether those keys are in the file, and not left to their default.
    func run(isInsideGiven: Bool, isOutsideGiven: Bool) {
        checkInside(isInsideGiven)
        checkExempt()
        checkOutside(isOutsideGiven)
        if settings.flowLimit > settings.flowCapacity {
            reader.problem(
                "flow-limit", "\(settings.flowLimit) is more than flow-capacity, \(settings.flowCapacity)")
        }
        if settings.tcpTransitory > settings.tcpEstablished {
            reader.problem(
                "tcp-transitory",
                "\(settings.tcpTransitory) seconds is longer than tcp-established, "
                    + "\(settings.tcpEstablished)")
        }
    }

    private func checkInside(_ isGiven: Bool) {
        let limit = DataPlaneConfiguration.insideLimit
        guard isGiven else {
            if settings.inside.isEmpty, !access.isEmpty {
                reader.problem("", "no access link has an IPv4 pool: there is nothing to translate")
            }
            if settings.inside.count > limit {
                reader.problem(
                    "",
                    "the access links have \(settings.inside.count) IPv4 pools; at most \(limit) can be inside: "
                        + "name them in 'inside', in larger blocks")
            }
            return
        }
        if settings.inside.isEmpty { reader.problem("inside", "at least one is needed") }
        if settings.inside.count > limit {
            reader.problem("inside", "\(settings.inside.count) blocks; at most \(limit) are possible")
        }
        let pools = access.flatMap(\.blocks)
        for (place, block) in settings.inside.enumerated() {
            let key = "inside[\(place)]"
            guard block.family == .v4 else {
                reader.problem(key, "\(block) is IPv6: IPv4 alone is translated")
                continue
            }
            if !pools.contains(where: { $0.contains(block) }) {
                reader.problem(key, "\(block) is not within a pool of an access link")
            }
            if let other = settings.inside.prefix(place).first(where: { $0.contains(block) || block.contains($0) }) {
                reader.problem(key, "\(block) overlaps \(other)")
            }
        }
    }

    private func checkExempt() {
        let limit = DataPlaneConfiguration.insideLimit
        if settings.exempt.count > limit {
            reader.problem("exempt", "\(settings.exempt.count) blocks; at most \(limit) are possible")
        }
        for (place, block) in settings.exempt.enumerated() where block.family != .v4 {
            reader.problem("exempt[\(place)]", "\(block) is IPv6: IPv4 alone is translated")
        }
    }

    private func checkOutside(_ isGiven: Bool) {
        guard isGiven else { return }
        if settings.outside.isEmpty { reader.problem("outside", "at least one is needed") }
        let limit = DataPlaneConfiguration.outsideLimit
        if settings.outside.count > limit {
            reader.problem("outside", "\(settings.outside.count) ranges; at most \(limit) are possible")
        }
        let count = settings.outside.reduce(0) { $0 + $1.count }
        if count > NATCapacity.outsideLimit {
            reader.problem("outside", "\(count) addresses; at most \(NATCapacity.outsideLimit) are possible")
        }
        for place in settings.outside.indices { checkOutside(place) }
    }

    private func checkOutside(_ place: Int) {
        let key = "outside[\(place)]"
        let range = settings.outside[place]
        for end in Set([range.first, range.last])
        where end.isUnspecified || end.isMulticast || end.isLoopback || end.isLinkLocal {
            return reader.problem(key, "\(end) can't be reached from the core")
        }
        if let other = settings.outside.prefix(place).first(where: { $0.overlaps(range) }) {
            reader.problem(key, "\(range) overlaps \(other)")
        }
        if let block = settings.inside.first(where: { range.overlaps($0) }) {
            return reader.problem(key, "\(range) overlaps \(block), which is inside")
        }
        for (number, link) in access.enumerated() {
            if let pool = link.blocks.first(where: { range.overlaps($0) }) {
                reader.problem(key, "\(range) overlaps \(pool), a pool of access[\(number)]")
            }
            if let gateway = link.gateways.first(where: { range.contains($0.address) }) {
                reader.problem(key, "\(gateway.address) is the gateway of access[\(number)]: its hosts talk to it")
            }
        }
    }
}

import FlowAnchorABI
import NetworkTypes

extension DataPlaneConfiguration {
    /// - Throws: what can't be represented, and how many there may be.
    func check() throws(DataPlaneError) {
        let limits = [
            ("tunnel endpoints", endpoints.count, Self.endpointLimit), ("pools", pools.count, Self.poolLimit),
            ("routes", routes.count, Self.routeLimit), ("inside prefixes", inside.count, Self.insideLimit),
            ("exempt destinations", exempt.count, Self.insideLimit),
            ("ranges of outside addresses", outside.count, Self.outsideLimit),
        ]
        for (name, count, limit) in limits where count > limit {
            throw .invalid("there are \(count) \(name); at most \(limit) are possible")
        }
        if let other = (inside + exempt).first(where: { !$0.address.isV4 }) {
            throw .invalid("inside or exempt prefix \(other) is not IPv4: there is nothing else that is translated")
        }
        if let other = outside.first(where: { $0.first.v4Bits == nil || $0.count < 1 || $0.index < 0 }) {
            throw .invalid("\(other) is no range of outside IPv4 addresses")
        }
    }

    var namedPaths: [PathIndex] { routes.map(\.path) + [defaultPathV4, defaultPathV6] }

    /// From the shared memory.
    init(_ config: fa_config) {
        func list<Tuple, Element, Result>(
            _ tuple: Tuple, _ count: UInt16, _ limit: Int, of: Element.Type, _ transform: (Element) -> Result
        ) -> [Result] {
            withUnsafeBytes(of: tuple) { bytes in
                (0..<min(Int(count), limit)).map {
                    transform(bytes.load(fromByteOffset: $0 * MemoryLayout<Element>.stride, as: Element.self))
                }
            }
        }
        self.init(
            endpoints: list(
                config.endpoints, config.endpoint_count, Self.endpointLimit, of: fa_address.self, \.address),
            pools: list(config.pools, config.pool_count, Self.poolLimit, of: fa_prefix.self, \.prefix),
            routes: list(config.routes, config.route_count, Self.routeLimit, of: fa_prefix.self) {
                Route(prefix: $0.prefix, path: $0.path)
            },
            defaultPathV4: config.default_path_v4, defaultPathV6: config.default_path_v6,
            maximumSegmentV4: config.mss_v4, maximumSegmentV6: config.mss_v6,
            routesByKernel: config.flags & FA_CONFIG_ROUTE_BY_KERNEL != 0,
            unknownSourcePasses: config.flags & FA_CONFIG_UNKNOWN_SOURCE_PASSES != 0,
            decrementsTTL: config.flags & FA_CONFIG_DECREMENT_TTL != 0,
            inside: list(config.inside, config.inside_count, Self.insideLimit, of: fa_block.self, \.prefix),
            outside: list(config.outside, config.outside_count, Self.outsideLimit, of: fa_outside.self, \.range),
            exempt: list(config.exempt, config.exempt_count, Self.insideLimit, of: fa_block.self, \.prefix),
            unaware: Set(
                list(config.pools, config.pool_count, Self.poolLimit, of: fa_prefix.self) {
                    $0.path == FA_POOL_UNAWARE ? $0.prefix : nil
                }.compactMap(\.self)))
    }
}

extension fa_config {
    /// - Parameters:
    ///   - addresses: of all ports of this machine.
    ///   - old: what the data plane itself keeps there.
    init(_ configuration: DataPlaneConfiguration, addresses: some Sequence<IPAddress>, over old: fa_config) {
        self = old
        plain_v4 = configuration.plainDestinations(besides: addresses).words
        flags = 0
        if configuration.routesByKernel { flags |= FA_CONFIG_ROUTE_BY_KERNEL }
        if configuration.unknownSourcePasses { flags |= FA_CONFIG_UNKNOWN_SOURCE_PASSES }
        if configuration.decrementsTTL { flags |= FA_CONFIG_DECREMENT_TTL }
        mss_v4 = configuration.maximumSegmentV4
        mss_v6 = configuration.maximumSegmentV6
        default_path_v4 = configuration.defaultPathV4
        default_path_v6 = configuration.defaultPathV6
        endpoint_count = UInt16(configuration.endpoints.count)
        pool_count = UInt16(configuration.pools.count)
        route_count = UInt16(configuration.routes.count)
        Self.fill(&endpoints, with: configuration.endpoints.map(fa_address.init))
        let unaware = configuration.unaware
        Self.fill(
            &pools, with: configuration.pools.map { fa_prefix($0, path: unaware.contains($0) ? FA_POOL_UNAWARE : 0) })
        let longestFirst = configuration.routes.sorted { $0.prefix.mappedLength > $1.prefix.mappedLength }
        Self.fill(&routes, with: longestFirst.map { fa_prefix($0.prefix, path: $0.path) })
        inside_count = UInt16(configuration.inside.count)
        outside_count = UInt16(configuration.outside.count)
        exempt_count = UInt16(configuration.exempt.count)
        Self.fill(&exempt, with: configuration.exempt.map(fa_block.init))
        Self.fill(&inside, with: configuration.inside.map(fa_block.init))
        Self.fill(&outside, with: configuration.outside.map(fa_outside.init))
    }

    private static func fill<Tuple, Element>(_ tuple: inout Tuple, with elements: [Element]) {
        withUnsafeMutableBytes(of: &tuple) { bytes in
            for (index, element) in elements.enumerated() {
                bytes.storeBytes(of: element, toByteOffset: index * MemoryLayout<Element>.stride, as: Element.self)
            }
        }
    }
}

extension IPPrefix {
    /// Bits of the prefix when IPv4 addresses are v4-mapped.
    var mappedLength: Int { Int(length) + (address.isV4 ? 96 : 0) }
}

extension fa_prefix {
    init(_ prefix: IPPrefix, path: PathIndex) {
        self.init()
        let bits = prefix.mappedLength
        let high: UInt64 = bits >= 64 ? .max : ~(UInt64.max >> UInt64(bits))
        let low: UInt64 = bits <= 64 ? 0 : bits >= 128 ? .max : ~(UInt64.max >> UInt64(bits - 64))
        mask = fa_address(IPAddress(high: high, low: low))
        address = fa_address(IPAddress(high: prefix.address.high & high, low: prefix.address.low & low))
        self.path = path
    }

    var prefix: IPPrefix {
        let mask = mask.address
        let bits = mask.high.nonzeroBitCount + mask.low.nonzeroBitCount
        let address = address.address
        // A mask of ours has one of these lengths; another's would have been refused with its version.
        return IPPrefix(address, length: address.isV4 ? max(0, bits - 96) : bits) ?? IPPrefix(.anyV6, length: 0)!
    }
}

extension fa_block {
    init(_ prefix: IPPrefix) {
        let mask: UInt32 = prefix.length == 0 ? 0 : ~UInt32(0) << UInt32(32 - prefix.length)
        self.init(address_be: ((prefix.address.v4Bits ?? 0) & mask).bigEndian, mask_be: mask.bigEndian)
    }

    var prefix: IPPrefix {
        IPPrefix(IPAddress(v4: UInt32(bigEndian: address_be)), length: mask_be.nonzeroBitCount)
            ?? IPPrefix(.anyV4, length: 0)!
    }
}

extension fa_outside {
    init(_ range: OutsideRange) {
        self.init(
            first: range.first.v4Bits ?? 0, count: UInt32(clamping: range.count), index: UInt32(clamping: range.index),
            pad: 0)
    }

    var range: OutsideRange { OutsideRange(first: IPAddress(v4: first), count: Int(count), index: Int(index)) }
}

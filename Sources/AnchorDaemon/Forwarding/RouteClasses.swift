import Netlink
import NetworkTypes

/// Which destinations the kernel can't tell apart: no route and no rule holds one of them and not the other. What it
/// says of the way to one is so for all of its class, so that a million tunnels cost as many questions as there are
/// ways. Pure.
struct RouteClasses {
    /// The destinations from `start` up to the next class.
    private struct Class {
        var start: IPAddress
        /// A route with several next hops is among theirs: the kernel chooses one for each destination.
        var isSplit: Bool
    }

    /// By their starts, the first of them at the lowest address.
    private var classes: [Class] = []

    /// - Parameters:
    ///   - routes: of all tables.
    ///   - rules: all that there are.
    init(_ routes: [Route], _ rules: [RoutingRule]) {
        var isSplit: [IPPrefix: Bool] = [IPPrefix(.anyV4, length: 0)!: false, IPPrefix(.anyV6, length: 0)!: false]
        for route in routes {
            let several = route.kind == .unicast && route.interface == nil
            isSplit[route.destination] = isSplit[route.destination] == true || several
        }
        for rule in rules { if let to = rule.to, isSplit[to] == nil { isSplit[to] = false } }
        // An outer prefix before those inside it.
        let prefixes = isSplit.sorted {
            ($0.key.address, $0.key.mappedLength) < ($1.key.address, $1.key.mappedLength)
        }
        // Those that hold the place where the sweep is.
        var open: [(prefix: IPPrefix, isSplit: Bool)] = []
        func close(before start: IPAddress?) {
            while let inner = open.last, start.map({ !inner.prefix.holds($0) }) ?? true {
                open.removeLast()
                guard let next = inner.prefix.last.next else { continue }
                begin(next, open.last?.isSplit ?? false)
            }
        }
        func begin(_ start: IPAddress, _ isSplit: Bool) {
            if classes.last?.start == start { classes.removeLast() }
            classes.append(Class(start: start, isSplit: isSplit))
        }
        for (prefix, several) in prefixes {
            close(before: prefix.address)
            let inherited = open.last?.isSplit ?? false
            open.append((prefix, inherited || several))
            begin(prefix.address, inherited || several)
        }
        close(before: nil)
    }

    /// Where routes and rules can't be read: each destination may be a class of its own.
    static let unknown = RouteClasses()

    private init() { classes = [Class(start: .anyV6, isSplit: true)] }

    /// The number of the destination's class; `nil` where the kernel is to be asked for each.
    func index(of destination: IPAddress) -> Int? {
        var (low, high) = (0, classes.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if destination < classes[middle].start { high = middle } else { low = middle }
        }
        return classes[low].isSplit ? nil : low
    }

    /// All destinations of a class.
    func destinations(of index: Int) -> ClosedRange<IPAddress> {
        let last = index + 1 < classes.count ? classes[index + 1].start.previous : nil
        return classes[index].start...(last ?? IPAddress(high: .max, low: .max))
    }
}

extension IPPrefix {
    /// Bits in the prefix, of the v4-mapped form.
    fileprivate var mappedLength: Int { family == .v4 ? length + 96 : length }

    /// In the order of addresses, in which IPv4 is a block of IPv6 like any other.
    fileprivate func holds(_ other: IPAddress) -> Bool { address <= other && other <= last }

    fileprivate var last: IPAddress {
        let host = 128 - mappedLength
        let high = host >= 128 ? UInt64.max : host > 64 ? (1 << UInt64(host - 64)) - 1 : 0
        let low = host >= 64 ? UInt64.max : (1 << UInt64(host)) - 1
        return IPAddress(high: address.high | high, low: address.low | low)
    }
}

extension IPAddress {
    /// The one before it; `nil` before the first.
    fileprivate var previous: IPAddress? {
        guard low == 0 else { return IPAddress(high: high, low: low - 1) }
        return high == 0 ? nil : IPAddress(high: high - 1, low: .max)
    }

    /// The one behind it; `nil` behind the last.
    fileprivate var next: IPAddress? {
        guard low == .max else { return IPAddress(high: high, low: low + 1) }
        return high == .max ? nil : IPAddress(high: high + 1, low: 0)
    }
}

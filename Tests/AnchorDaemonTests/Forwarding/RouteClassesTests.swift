import Netlink
import NetworkTypes
import Testing

@testable import AnchorDaemon

struct RouteClassesTests {
    private func route(_ destination: String, several: Bool = false, table: RoutingTable = .main) -> Route {
        Route(to: IPPrefix(destination)!, interface: several ? nil : 1, table: table)
    }

    private func address(_ text: String) -> IPAddress { IPAddress(text)! }

    @Test func `destinations that the same routes hold are of one class`() {
        let classes = RouteClasses(
            [route("0.0.0.0/0"), route("10.0.0.0/8"), route("10.1.0.0/16"), route("10.255.255.255/32")], [])
        let index = { classes.index(of: address($0)) }
        #expect(index("1.2.3.4") == index("9.255.255.255"))
        #expect(index("10.0.0.0") == index("10.0.255.255"))
        #expect(index("10.1.0.0") == index("10.1.255.255"))
        #expect(index("10.2.0.0") == index("10.255.255.254"))
        #expect(index("11.0.0.0") == index("255.255.255.255"))
        let different = ["9.0.0.0", "10.0.0.1", "10.1.0.1", "10.255.255.255", "2001:db8::1"].map(index)
        #expect(Set(different).count == different.count)
    }

    @Test func `rules and routes of every table tell destinations apart`() {
        let rule = RoutingRule(priority: 100, to: IPPrefix("10.7.0.0/16")!, table: RoutingTable(rawValue: 7))
        let classes = RouteClasses([route("10.9.9.9/32", table: .local)], [rule])
        #expect(classes.index(of: address("10.7.1.1")) != classes.index(of: address("10.8.1.1")))
        #expect(classes.index(of: address("10.9.9.9")) != classes.index(of: address("10.9.9.8")))
    }

    @Test func `where a route has several next hops the kernel is asked for each destination`() {
        let classes = RouteClasses([route("10.0.0.0/8", several: true), route("10.1.0.0/16")], [])
        #expect(classes.index(of: address("10.0.0.1")) == nil)
        // The inner route may be one that a rule leaves out.
        #expect(classes.index(of: address("10.1.0.1")) == nil)
        #expect(classes.index(of: address("11.0.0.1")) != nil)
        #expect(RouteClasses.unknown.index(of: address("11.0.0.1")) == nil)
    }

    @Test func `a class has a first and a last destination`() {
        let classes = RouteClasses([route("10.1.0.0/16"), route("2001:db8::/32")], [])
        func destinations(_ text: String) -> ClosedRange<IPAddress> {
            classes.destinations(of: classes.index(of: address(text))!)
        }
        #expect(destinations("10.1.2.3") == address("10.1.0.0")...address("10.1.255.255"))
        #expect(destinations("10.0.9.9") == address("0.0.0.0")...address("10.0.255.255"))
        #expect(destinations("2001:db8::1").upperBound == address("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"))
        #expect(destinations("::1").lowerBound == address("::"))
        #expect(destinations("ffff::").upperBound == address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
    }

    @Test func `classes are those of a search through all routes`() {
        var random = SystemRandomNumberGenerator()
        let prefixes = (0..<300).map { _ in
            let isV4 = Bool.random(using: &random)
            // Few bits vary, so that many are inside others.
            let bits = UInt64.random(in: 0..<1 << 12, using: &random)
            let base = isV4 ? IPAddress(v4: UInt32(bits << 20)) : IPAddress(high: bits << 52, low: bits << 40)
            return IPPrefix(base, length: Int.random(in: 0...(isV4 ? 32 : 128), using: &random))!
        }
        let classes = RouteClasses(prefixes.map { Route(to: $0, interface: 1) }, [])
        var known: [Int: Set<IPPrefix>] = [:]
        for _ in 0..<20_000 {
            let bits = UInt64.random(in: 0..<1 << 14, using: &random)
            let destination =
                Bool.random(using: &random)
                ? IPAddress(v4: UInt32(bits << 18)) : IPAddress(high: bits << 50, low: bits << 38)
            let holding = Set(prefixes.filter { $0.contains(destination) })
            let index = classes.index(of: destination)!
            #expect(known[index, default: holding] == holding)
            known[index] = holding
        }
    }
}

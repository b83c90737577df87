import AnchorDataPlane
import Netlink
import NetworkTypes
import Testing

@testable import AnchorDaemon

private func route(
    _ prefix: String, via gateway: String? = nil, on interface: UInt32 = 5, metric: UInt32 = 0, mtu: Int? = nil
) -> Route {
    Route(
        to: IPPrefix(prefix)!, gateway: gateway.map { IPAddress($0)! }, interface: interface, metric: metric, mtu: mtu)
}

private func plan(_ routes: [Route]) -> RoutePlan {
    RoutePlan(routes, ports: [5: 2], pools: [IPPrefix("10.1.0.0/24")!])
}

struct RoutePlanTests {
    @Test func `a default route by a gateway on a port is followed by the programs`() {
        let found = plan([route("0.0.0.0/0", via: "192.0.2.1", mtu: 1400)])
        #expect(found.defaultV4?.hop == .neighbour(IPAddress("192.0.2.1")!, port: 2))
        #expect(found.defaultV4?.mtu == 1400)
        #expect(found.defaultV6 == nil && found.routes.isEmpty)
    }

    @Test func `the smaller metric wins`() {
        let routes = [route("::/0", via: "2001:db8::1", metric: 200), route("::/0", via: "2001:db8::2", metric: 100)]
        #expect(plan(routes).defaultV6?.hop == .neighbour(IPAddress("2001:db8::2")!, port: 2))
    }

    @Test func `the longest prefix comes first`() {
        let routes = [route("198.51.0.0/16", via: "192.0.2.1"), route("198.51.100.0/24", via: "192.0.2.2")]
        #expect(plan(routes).routes.map(\.prefix.length) == [24, 16])
    }

    @Test func `what the programs can't resolve is the kernel's`() {
        #expect(plan([route("192.0.2.0/28")]).routes.map(\.hop) == [.kernel])
        #expect(plan([route("0.0.0.0/0", via: "203.0.113.1", on: 9)]).defaultV4?.hop == .kernel)
    }

    @Test func `pools and link-local addresses are no routes`() {
        #expect(plan([route("10.1.0.0/24"), route("fe80::/64")]) == plan([]))
    }

    @Test func `more routes than the programs hold are asked of the kernel`() {
        let many = (0...8).map { route("198.18.\($0).0/24", via: "192.0.2.1") }
        #expect(plan(Array(many.prefix(8))).routes.count == 8)
        #expect(plan(many).isByKernel && plan(many).routes.isEmpty)
    }
}

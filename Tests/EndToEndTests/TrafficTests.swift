import NetworkTypes
import Testing

@testable import NetworkLab

@Suite(.enabled(if: isRoot, "namespaces need root")) struct TrafficTests {
    @Test(arguments: AddressFamily.allCases)
    func `numbered datagrams are counted in both directions`(family: AddressFamily) throws {
        let lab = try Lab(LabPlan(routers: 1, server: .none))
        defer { lab.remove() }
        try lab.attach(to: 1)
        try lab.configureNode(at: 1)
        let node = AddressPlan.fixedNode(1, family)
        #expect(try lab.answers(AddressPlan.correspondent(family), on: "mn", from: node))
        let traffic = try NumberedTraffic(on: lab, from: node, rate: 2000)
        try waitUntil("datagrams") {
            try Int(
                lab.run(["nstat", "-asz", "Udp6InDatagrams"], on: "cn").split(separator: " ").dropLast().last ?? "0")!
                > 500
                || Int(
                    lab.run(["nstat", "-asz", "UdpInDatagrams"], on: "cn").split(separator: " ").dropLast().last ?? "0")!
                    > 500
        }
        let (up, down) = try traffic.stop()
        for outcome in [up, down] {
            #expect(outcome.sent > 100)
            #expect(outcome.lost == 0)
            #expect(outcome.repeated == 0)
            #expect(outcome.arrivals.map(\.sequence) == (0..<UInt64(outcome.sent)).map { $0 })
        }
    }
}
